"""What training on a source will take, from a stretch of it: features, memory, time.

Distinct features grow by Heaps' law, D = a n^b over n samples, with an exponent that falls slowly:
b and its fall are fitted to the last part of the stretch. Data of one distribution is forecast
well for a hundred times the stretch; new ids every day are not in it, nor is what comes once the
stretch is over.
"""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fmtrain.data.sources import File, Source, inflated, open_sources, unpacked
from fmtrain.errors import BadInputError, BrokenInputError, ParameterError
from fmtrain.lazy import np

if TYPE_CHECKING:
    from fmtrain.model import FTRLModel

#: Bytes of the first part that is trained on, how much larger each next one is, and the largest.
PART_BYTES, PART_GROWTH, PART_BYTES_MAX = 1 << 14, 1.25, 1 << 23
CACHE_MAGIC = b"\x89FMCAC\n\x1a"
#: The fit looks at the part of the stretch behind this share of it.
FIT_FROM = 0.05
#: How far into a compressed file to look for how much comes out of it.
LOOK_BYTES = 1 << 22


@dataclass(frozen=True)
class Point:
    """After so much of the stretch."""

    samples: int
    bytes: int
    features: int
    table_bytes: int
    seconds: float


@dataclass
class Forecast:
    points: list[Point] = field(default_factory=list)
    #: The source was read to its end: there is nothing to expect.
    whole: bool = False
    #: Of all sources, as text; None where there is no telling.
    source_bytes: float | None = None
    #: Of the process, without the table.
    other_bytes: int = 0
    exponent: float = 1.0
    fall: float = 0.0

    @property
    def last(self) -> Point:
        return self.points[-1]

    def fit(self) -> None:
        """log D = ... + b t - fall t^2 / 2 in t = log(n / n of the stretch), the last point met."""
        last = self.last
        used = [p for p in self.points if p.features and p.samples >= FIT_FROM * last.samples]
        if len(used) < 4:
            return
        t = np.array([math.log(p.samples / last.samples) for p in used])
        d = np.array([math.log(p.features / last.features) for p in used])
        # Points lie close together towards the end: each counts for the stretch before it.
        weight = np.sqrt(np.diff(t, prepend=math.log(FIT_FROM)))
        basis = np.column_stack([t, -t * t / 2])
        found = np.linalg.lstsq(basis * weight[:, None], d * weight, rcond=None)[0]
        self.exponent = float(min(max(found[0], 0.0), 1.0))
        self.fall = float(min(max(found[1], 0.0), 0.2))

    def features(self, samples: float) -> float:
        t = math.log(samples / self.last.samples)
        if self.fall > 0:
            t = min(t, self.exponent / self.fall)  # from there on there is nothing new
        return self.last.features * math.exp(self.exponent * t - self.fall * t * t / 2)

    def table_bytes(self, samples: float) -> float:
        return self.last.table_bytes / max(self.last.features, 1) * self.features(samples)

    def seconds(self, samples: float) -> float:
        """At the speed of the last half: a larger table is slower, by what memory costs."""
        half = next(p for p in self.points if p.samples * 2 >= self.last.samples)
        if half is self.last:
            return self.last.seconds * samples / self.last.samples
        speed = (self.last.samples - half.samples) / (self.last.seconds - half.seconds)
        return self.last.seconds + (samples - self.last.samples) / speed

    @property
    def source_samples(self) -> float | None:
        if self.whole:
            return self.last.samples
        if self.source_bytes is None:
            return None
        return max(self.source_bytes / self.last.bytes, 1.0) * self.last.samples


def forecast(
    model: FTRLModel,
    source: Any,
    *,
    seconds: float = 10.0,
    samples: int | None = None,
    format: Any = None,
) -> Forecast:
    """Trains `model`, which is best thrown away, on what can be read in so many seconds, or on
    about so many samples."""
    sources = open_sources(source)
    found = Forecast(source_bytes=text_bytes(sources))
    start = time.monotonic()
    learned = read = 0
    spent = 0.0
    for part in parts_of(sources):
        if part is None:
            found.whole = True
            break
        begun = time.monotonic()
        model.fit_stream(io.BytesIO(part), format=format, max_bad_ratio=1.0)
        assert model.report_.progress is not None
        spent += time.monotonic() - begun
        now = model.report_.progress
        learned += int(now.total["samples"])
        read += len(part)
        if learned:
            table = now.memory_bytes + now.economy.get("admission_bytes", 0)
            found.points.append(Point(learned, read, now.features, table, spent))
        if time.monotonic() - start >= seconds or (samples is not None and learned >= samples):
            break
    if not found.points:
        raise BadInputError("the sources hold no samples: there is nothing to forecast from")
    found.other_bytes = max(process_bytes() - found.last.table_bytes, 0)
    found.fit()
    return found


def parts_of(sources: Iterable[Source]) -> Iterator[bytes | None]:
    """Whole lines in parts that grow; None at the end of the last source."""
    size = float(PART_BYTES)
    for source in sources:
        with source.open() as data:
            blocks = blocks_of(data) if isinstance(data, int) else data
            text = b""
            for block in blocks:
                text += block
                if text.startswith(CACHE_MAGIC):
                    raise ParameterError(
                        f"{source.name} holds packed samples: forecast from the text they were"
                    )
                while len(text) >= size:
                    end = text.rfind(b"\n", 0, int(size)) + 1 or text.find(b"\n", int(size)) + 1
                    if end == 0:
                        break
                    yield text[:end]
                    text = text[end:]
                    size = min(size * PART_GROWTH, PART_BYTES_MAX)
            if text:
                yield text
    yield None


def blocks_of(fd: int) -> Iterator[bytes]:
    while block := os.read(fd, 1 << 20):
        yield block


def text_bytes(sources: Iterable[Source]) -> float | None:
    """Of files: their size, times what comes out of the beginning of compressed ones."""
    sizes = [size_of(source) for source in sources]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def size_of(source: Source) -> float | None:
    if not isinstance(source, File) or source.is_pipe:
        return None
    size = os.path.getsize(source.name)
    unpack = {".gz": inflated, ".zst": unpacked}.get(os.path.splitext(source.name)[1])
    if unpack is None:
        return size
    with open(source.name, "rb") as file:
        head = file.read(LOOK_BYTES)
    made = 0
    with suppress(BrokenInputError):  # the beginning alone ends before its end
        for block in unpack(io.BytesIO(head), source.name):
            made += len(block)
    return size * made / max(len(head), 1)


def process_bytes() -> int:
    """At its largest so far."""
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
