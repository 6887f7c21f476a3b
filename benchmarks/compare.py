"""Time two shell commands in turn, A B A B ..., so that a drift of the machine meets both.

    python benchmarks/compare.py 'old/fmtrain fit data.txt' 'new/fmtrain fit data.txt'

Standard output of the commands is discarded; a command that fails ends the comparison.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence


def run_timed(command: str) -> float:
    """Wall seconds of one run; a non-zero exit is a CalledProcessError."""
    start = time.perf_counter()
    subprocess.run(command, shell=True, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def ratios(seconds_a: Sequence[float], seconds_b: Sequence[float]) -> list[float]:
    """B / A of each round."""
    return [y / x for x, y in zip(seconds_a, seconds_b, strict=True)]


def report(seconds_a: Sequence[float], seconds_b: Sequence[float]) -> str:
    """Medians, their ratio, and B / A of each round: below 1, B is the faster."""
    a, b = statistics.median(seconds_a), statistics.median(seconds_b)
    paired = ratios(seconds_a, seconds_b)
    return "\n".join(
        [
            f"A    median {a:.3f} s of {len(seconds_a)}",
            f"B    median {b:.3f} s of {len(seconds_b)}",
            f"B/A  {b / a:.3f} of the medians, {statistics.median(paired):.3f} paired median",
            "     rounds " + " ".join(f"{ratio:.3f}" for ratio in paired),
        ]
    )


def main() -> None:
    """Parse the arguments, run the rounds, print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("a", help="shell command A")
    parser.add_argument("b", help="shell command B")
    parser.add_argument("-n", "--rounds", type=int, default=5, help="runs of each (default 5)")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        pairs = [(run_timed(args.a), run_timed(args.b)) for _ in range(args.rounds)]
    except subprocess.CalledProcessError as error:
        code = error.returncode
        print(f"exit code {code}: {error.cmd}", file=sys.stderr)
        sys.exit(code if code > 0 else 128 - code)
    print(report(*zip(*pairs, strict=True)))


if __name__ == "__main__":
    main()
