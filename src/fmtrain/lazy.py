"""Modules that load when something of them is first used.

numpy takes longer to load than all the rest, and a run of `fmtrain fit` or `predict` needs none
of it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any


class LazyModule(ModuleType):
    """Stands for the module of its name."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # the next look finds it at once
        return value


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fmtrain import metrics
else:
    np = LazyModule("numpy")
    npt = LazyModule("numpy.typing")
    metrics = LazyModule("fmtrain.metrics")

__all__ = ["metrics", "np", "npt"]
