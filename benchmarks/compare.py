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


def run_timed(command: str) -> float:
    """Wall seconds of one run; a non-zero exit ends the comparison with that code."""
    start = time.perf_counter()
    code = subprocess.run(command, shell=True, stdout=subprocess.DEVNULL, check=False).returncode
    seconds = time.perf_counter() - start
    if code != 0:
        print(f"exit code {code}: {command}", file=sys.stderr)
        sys.exit(code if code > 0 else 128 - code)
    return seconds


def report(seconds_a: list[float], seconds_b: list[float]) -> str:
    """Medians, their ratio, and B / A of each round: below 1, B is the faster."""
    a, b = statistics.median(seconds_a), statistics.median(seconds_b)
    paired = [y / x for x, y in zip(seconds_a, seconds_b, strict=True)]
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
    seconds_a, seconds_b = [], []
    for _ in range(args.rounds):
        seconds_a.append(run_timed(args.a))
        seconds_b.append(run_timed(args.b))
    print(report(seconds_a, seconds_b))


if __name__ == "__main__":
    main()
