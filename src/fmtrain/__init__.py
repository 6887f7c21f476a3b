"""fmtrain: click models from streams.

>>> from fmtrain import FTRLModel
>>> model = FTRLModel(factors=0).fit(["user:7 ad:3", "user:7 ad:4"], [1, 0])
"""

from fmtrain._core import __version__
from fmtrain.model import FTRLModel
from fmtrain.packing import pack

__all__ = ["FTRLModel", "__version__", "pack"]
