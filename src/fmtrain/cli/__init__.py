"""The command line: flags -> calls into fmtrain. Exit codes are those of `fmtrain --help`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from fmtrain.cli.app import app, fail, interrupt
from fmtrain.errors import BadInputError, BrokenInputError, FileError, FmtrainError, ParameterError
from fmtrain.stream import Interrupted

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BAD_INPUT = 3
EXIT_BROKEN_INPUT = 4

#: The module of every command, in the order of `fmtrain --help`.
COMMANDS = {
    "fit": "fit",
    "encode": "encode",
    "pack": "pack",
    "predict": "predict",
    "eval": "evaluate",
    "inspect": "inspect",
    "export": "exchange",
    "import": "exchange",
    "diff": "diff",
    "schema": "schema",
    "synth": "synth",
    "config": "config",
    "fm_train": "alphafm",
    "fm_predict": "alphafm",
    "model_bin_tool": "alphafm",
}


def load_command(words: Sequence[str]) -> None:
    """The command that is called, as loading all takes longer than a short run; all of them where
    none is: for help, completion, or a word that may be meant for one."""
    called = next((word for word in words if not word.startswith("-")), "")
    modules = [COMMANDS[called]] if called in COMMANDS else dict.fromkeys(COMMANDS.values())
    for module in modules:
        import_module(f"fmtrain.cli.{module}").register(app)


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
        load_command(sys.argv[1:])
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
