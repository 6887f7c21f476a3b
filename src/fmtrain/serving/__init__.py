"""Scoring as a server does it: libfmscore, from Python.

>>> from fmtrain.serving import Scorer
>>> with Scorer("model.fms") as scorer:
...     print(scorer.score([{"ad": 3}, {"ad": 4}], user={"age": 24}).scores)
"""

from fmtrain.data.matrix import feature_id
from fmtrain.errors import ServingError
from fmtrain.serving.library import Code, Item
from fmtrain.serving.scorer import Explanation, Request, Scorer, Scores
from fmtrain.serving.slot import ModelInfo, Slot, SlotStats
from fmtrain.serving.snapshots import Sample, SampleFile, SnapshotCache, SnapshotStats
from fmtrain.serving.watcher import Watcher

__all__ = [
    "Code",
    "Explanation",
    "Item",
    "ModelInfo",
    "Request",
    "Sample",
    "SampleFile",
    "Scorer",
    "Scores",
    "ServingError",
    "Slot",
    "SlotStats",
    "SnapshotCache",
    "SnapshotStats",
    "Watcher",
    "feature_id",
]
