"""The command line: flags -> calls into fmtrain. Exit codes are those of `fmtrain --help`."""

from __future__ import annotations

import os
import signal
import sys

from fmtrain.cli import alphafm, diff, evaluate, exchange, fit, inspect, predict, synth
from fmtrain.cli.app import app, fail
from fmtrain.cli.fit import interrupt
from fmtrain.errors import BadInputError, BrokenInputError, FileError, FmtrainError, ParameterError
from fmtrain.stream import Interrupted

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BAD_INPUT = 3
EXIT_BROKEN_INPUT = 4

COMMANDS = (fit, predict, evaluate, inspect, exchange, diff, synth, alphafm)
for module in COMMANDS:
    module.register(app)


def exit_code_of(error: FmtrainError) -> int:
    if isinstance(error, ParameterError):
        return EXIT_USAGE
    if isinstance(error, BadInputError):
        return EXIT_BAD_INPUT
    if isinstance(error, BrokenInputError):
        return EXIT_BROKEN_INPUT
    return EXIT_FAILED


def main() -> None:
    # `fmtrain synth | head` ends quietly, as other Unix tools do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        if sys.stdout is None:
            raise FileError("standard output: cannot write: it is closed")
        try:
            app()
        finally:
            sys.stdout.flush()
    except FmtrainError as error:
        fail(str(error))
        sys.exit(exit_code_of(error))
    except OSError as error:
        # Files are FileErrors: what is left is printing.
        fail(f"standard output: cannot write: {error.strerror}")
        # What is left in the buffer must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(EXIT_FAILED)
    except Interrupted as stop:
        sys.exit(128 + stop.signal)
    except MemoryError:
        fail("out of memory")
        sys.exit(EXIT_FAILED)
