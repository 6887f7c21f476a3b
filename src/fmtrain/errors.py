"""Everything fmtrain raises on purpose. Each is also the built-in exception users would catch."""

from __future__ import annotations


def printable(text: str) -> str:
    """A name, path or line, which may hold any byte, safe for a terminal and a log."""
    return "".join(c if c.isprintable() else escaped(c) for c in text)


def escaped(c: str) -> str:
    # surrogateescape's stand-in for a byte that is no UTF-8 is shown as that byte.
    if 0xDC80 <= ord(c) <= 0xDCFF:
        return f"\\x{ord(c) - 0xDC00:02x}"
    return c.encode("unicode_escape", "surrogatepass").decode()


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


class DriftError(BadInputError):
    """Raw rows that are not like those that their schema was learned from."""


class BrokenInputError(FmtrainError, OSError):
    """An input that broke off before its end or is damaged: a cut gzip, a producer that failed, a
    cache whose checksum does not match or that a newer fmtrain wrote."""


class OutOfMemoryError(FmtrainError, MemoryError):
    """The core could not allocate what it needed."""


class MissingExtraError(FmtrainError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


class SchemaError(ParameterError):
    """A schema that cannot be used. `file`, `key` and `line` say where it is wrong, as far as that
    is known: "" and None where not."""

    def __init__(self, text: str, *, file: str = "", key: str = "", line: int | None = None):
        at = file if line is None else f"{file}:{line}"
        super().__init__(": ".join(printable(part) for part in (at, key, text) if part))
        self.file = file
        self.key = key
        self.line = line


class ServingError(FmtrainError, RuntimeError):
    """The scoring library refused. `code` is fmscore.h's: fmtrain.serving.Code names them."""

    def __init__(self, text: str, code: int = 0) -> None:  # 0: as unpickled, until its state is
        super().__init__(text)
        self.code = code
