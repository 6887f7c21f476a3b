"""Everything fmtrain raises on purpose. Each is also the built-in exception users would catch."""

from __future__ import annotations


class FmtrainError(Exception):
    """Base of all errors of fmtrain; its text is one message made for a user."""


class ParameterError(FmtrainError, ValueError):
    """A hyper-parameter or a combination of arguments that is not allowed."""


class ParameterTypeError(ParameterError, TypeError):
    """An argument of a type that cannot be used."""


class ModelFileError(FmtrainError, ValueError):
    """A model file that is not ours, cut, damaged, or from a newer fmtrain."""


class FileError(FmtrainError, OSError):
    """The operating system refused a file: the message names the path and the reason."""


class BadInputError(FmtrainError, ValueError):
    """More bad lines than `max_bad_ratio` allows."""


class BrokenInputError(FmtrainError, OSError):
    """An input that broke off before its end: a cut gzip, a producer that failed."""


class OutOfMemoryError(FmtrainError, MemoryError):
    """The core could not allocate what it needed."""


class MissingExtraError(FmtrainError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""
