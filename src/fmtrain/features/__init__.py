"""From raw columns to features: schemas, the encoder, and what is learned before training."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fmtrain.features.discretizers import (
        EqualFrequencyDiscretizer,
        EqualWidthDiscretizer,
        LogTransform,
        NonFiniteGuard,
    )
    from fmtrain.features.encoder import Encoded, Encoder
    from fmtrain.features.gbdt import GBDTLeafEncoder
    from fmtrain.features.pieces import schema_columns, schema_tables
    from fmtrain.features.schema import Schema

#: Modules load when something of them is first used: scoring by a schema needs no numpy.
HOMES = {
    "Encoded": "encoder",
    "Encoder": "encoder",
    "EqualFrequencyDiscretizer": "discretizers",
    "EqualWidthDiscretizer": "discretizers",
    "GBDTLeafEncoder": "gbdt",
    "LogTransform": "discretizers",
    "NonFiniteGuard": "discretizers",
    "Schema": "schema",
    "schema_columns": "pieces",
    "schema_tables": "pieces",
}

__all__ = [
    "Encoded",
    "Encoder",
    "EqualFrequencyDiscretizer",
    "EqualWidthDiscretizer",
    "GBDTLeafEncoder",
    "LogTransform",
    "NonFiniteGuard",
    "Schema",
    "schema_columns",
    "schema_tables",
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'fmtrain.features' has no attribute '{name}'")
    return getattr(import_module(f"fmtrain.features.{HOMES[name]}"), name)
