"""Samples of a known model, for tests, benchmarks and first steps: what `fmtrain synth` prints."""

from __future__ import annotations

from typing import Any

from fmtrain import _core
from fmtrain.errors import ParameterError


def options(**given: Any) -> _core.SynthOptions:
    """The options of `fmtrain synth --help`, by name."""
    made = _core.SynthOptions()
    for name, value in given.items():
        if not hasattr(made, name):
            raise ParameterError(f"synth has no option '{name}'")
        setattr(made, name, value)
    return made


class Synth:
    """A hidden model and its endless stream: sample i is a pure function of (options, i)."""

    def __init__(self, **given: Any) -> None:
        self.options = options(**given)
        self._native = _core.Synth(self.options)

    @property
    def header(self) -> bytes:
        """The comment line by which `fmtrain fit` recognises the stream."""
        return self.options.header().encode() + b"\n"

    def text(self, first: int, count: int) -> bytes:
        """Samples first to first + count - 1 as lines."""
        return self._native.text(first, count)

    def text_and_scores(self, first: int, count: int) -> tuple[bytes, Any]:
        """The same with their true scores (log odds), float32 (count)."""
        return self._native.text_and_scores(first, count)
