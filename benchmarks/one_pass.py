"""One pass of training in this process alone, measured: a request as JSON in, JSON out.

Run by common.py, as `python one_pass.py REQUEST`.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from typing import Any

from fmtrain import FTRLModel
from fmtrain.reports import Progress

PR_SET_THP_DISABLE = 41
LOOKS_SECONDS = 0.25


def without_huge_pages() -> None:
    """For all memory that this process maps from now on, whatever madvise says."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_THP_DISABLE)")


def memory(file: str, field: str) -> int:
    """A line of a file of /proc/self, in bytes. VmHWM and not getrusage's peak, which a process
    takes over from the one that started it."""
    with open(f"/proc/self/{file}") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Learns once (twice when warm: the second time counts)."""
    if not request["huge_pages"]:
        without_huge_pages()
    keep = {key: request[key] for key in ("factors", "threads", "deterministic", "names")}
    model = FTRLModel(**keep)
    before = memory("status", "VmRSS")
    if request["warm"]:
        model.fit_stream(request["data"], format=request["format"])
    curve: list[tuple[float, int, int]] = []
    start = time.perf_counter()

    def look(now: Progress) -> None:
        curve.append((time.perf_counter() - start, int(now.total["samples"]), now.features))

    model.fit_stream(
        request["data"], format=request["format"], progress=look, progress_seconds=LOOKS_SECONDS
    )
    seconds = time.perf_counter() - start
    report = model.report_
    assert report.progress is not None
    if not curve or seconds - curve[-1][0] > LOOKS_SECONDS / 2:
        curve.append((seconds, int(report.progress.total["samples"]), report.progress.features))
    found = {
        "seconds": seconds,
        "samples": int(report.progress.total["samples"]),
        "bytes": report.progress.bytes,
        "features": report.progress.features,
        "memory_bytes": report.progress.memory_bytes,
        "peak_bytes": memory("status", "VmHWM"),
        "before_bytes": before,
        "huge_bytes": memory("smaps_rollup", "AnonHugePages"),
        "parsing": report.progress.times["parsing"],
        "learning": report.progress.times["learning"],
        "bad_lines": report.log["bad_lines"],
        "auc": report.progress.total["auc"],
        "curve": curve,
    }
    if request["save"] is not None:
        model.save(request["save"])
    return found


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
