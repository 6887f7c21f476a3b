"""From raw columns to features: what is learned of them before the first sample is trained."""

from fmtrain.features.discretizers import (
    EqualFrequencyDiscretizer,
    EqualWidthDiscretizer,
    LogTransform,
    NonFiniteGuard,
)
from fmtrain.features.pieces import schema_columns, schema_tables

__all__ = [
    "EqualFrequencyDiscretizer",
    "EqualWidthDiscretizer",
    "LogTransform",
    "NonFiniteGuard",
    "schema_columns",
    "schema_tables",
]
