"""What all commands share: the application, hyper-parameter flags, output helpers."""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Annotated, Any

import typer

from fmtrain import __version__
from fmtrain.errors import FileError, ParameterError
from fmtrain.hyper import HYPER, HyperParameter
from fmtrain.stream import Interrupted, check_writable, describe_examples

HELP = """Click models from streams: FTRL logistic regression and factorization machines.

Exit codes: 0 done; 1 a file could not be read or written, or is damaged; 2 wrong usage;
3 too many bad lines; 4 an input broke off before its end; 130 and 143 stopped by Ctrl-C or
SIGTERM, what was learned is saved.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class VStart(str, Enum):
    lazy = "lazy"
    kept = "kept"


class InputFormat(str, Enum):
    text = "text"
    libffm = "libffm"
    tsv = "tsv"
    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"


class LinkName(str, Enum):
    sigmoid = "sigmoid"
    exp = "exp"
    raw = "raw"


def show_version(wanted: bool) -> None:
    if wanted:
        print(f"fmtrain {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    pass


def say(text: str) -> None:
    """Messages and progress go to standard error; results to standard output."""
    if sys.stderr is None:  # closed; print would take standard output instead
        return
    # `fmtrain fit 2>&1 | head`: that nobody listens any more must not end a run.
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    say(f"fmtrain: warning: {text}")


def fail(text: str) -> None:
    say(f"fmtrain: error: {text}")


def interrupt(number: int, frame: object) -> None:
    # Once is enough: what follows is the save, which an impatient user must not cut off.
    for later in (signal.SIGINT, signal.SIGTERM):
        signal.signal(later, signal.SIG_IGN)
    raise Interrupted(number)


def available_threads() -> int:
    return len(os.sched_getaffinity(0))


Sources = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, globs, `exec:COMMAND` (its output, its exit code checked) or `-`; .gz and "
        ".zst by name. Default: standard input.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(help="Threads that learn or score.", show_default="all cores"),
]
Format = Annotated[
    InputFormat | None,
    typer.Option(
        help="text and libffm are samples; the others raw rows, which a schema explains.",
        show_default="text; with a schema, its own",
    ),
]
SchemaPath = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="Read raw rows by this schema (TOML or JSON; see `fmtrain schema`).",
    ),
]
MaxBadRatio = Annotated[
    float, typer.Option(help="Fail when a larger share of the lines is bad (exit code 3).")
]
BadLines = Annotated[str | None, typer.Option(help="Copy the bad lines to this file.")]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Of packed samples, read every N-th block from I on (0 to N - 1).",
    ),
]
ModelPath = Annotated[str, typer.Option("--model", "-m", help="The model file.")]

KIND_TYPES: dict[str, Any] = {
    "flag": bool,
    "integer": int,
    "real": float,
    "optional_real": float,
    "start": VStart,
}


def shown_default(parameter: HyperParameter) -> str:
    if parameter.default is None:
        return "unset"
    if parameter.kind == "flag":
        return "yes" if parameter.default else "no"
    return str(parameter.default)


def hyper_flag(parameter: HyperParameter) -> inspect.Parameter:
    """The flag of one line of csrc/model/hyper.h. None: not given."""
    flag = "--" + parameter.name.replace("_", "-")
    declaration = f"{flag}/--no-{flag[2:]}" if parameter.kind == "flag" else flag
    option = typer.Option(
        declaration,
        help=parameter.help,
        show_default=shown_default(parameter),
        rich_help_panel="Hyper-parameters",
    )
    kind = KIND_TYPES[parameter.kind]
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def with_hyper_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a flag for every hyper-parameter; the command gets those given as `hyper`, a dict."""
    return with_flags(command, "hyper", [hyper_flag(parameter) for parameter in HYPER.values()])


def with_flags(
    command: Callable[..., Any], bundle: str, flags: list[inspect.Parameter]
) -> Callable[..., Any]:
    """Adds flags whose values, those that were given, the command gets as one dict."""
    own = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = {flag.name: kwargs.pop(flag.name) for flag in flags}
        values = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in given.items()
            if value is not None
        }
        return command(*args, **{bundle: values}, **kwargs)

    parameters = [p for name, p in own.parameters.items() if name != bundle] + flags
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    wrapped.__signature__ = own.replace(parameters=keyword_only)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in keyword_only}
    return wrapped


def value_of(choice: Enum | None) -> Any:
    return None if choice is None else choice.value


def parse_dim(text: str) -> dict[str, Any]:
    """alphaFM's `k0,k1,k2`: bias, linear, factors."""
    parts = text.split(",")
    try:
        k0, k1, k2 = (int(part) for part in parts)
    except ValueError:
        raise ParameterError(
            f"dim = {text} is not allowed: give k0,k1,k2 as 1,1,8 (bias, linear, factors)"
        ) from None
    return {"bias": k0 != 0, "linear": k1 != 0, "factors": k2}


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """`I/N` as (I, N)."""
    if text is None:
        return None
    index, slash, count = text.partition("/")
    if not slash or not index.isdecimal() or not count.isdecimal() or int(index) >= int(count):
        raise ParameterError(
            f"shard = {text} is not allowed: give I/N, I from 0 to N - 1: 0/4, 1/4, 2/4, 3/4"
        )
    return int(index), int(count)


def report_lines(log: dict[str, Any], warnings: list[str]) -> None:
    """What a user must hear about the input, on standard error."""
    for text in warnings:
        warn(text)
    if log["bad_lines"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(log["bad"].items()))
        warn(f"{log['bad_lines']:,} bad lines ({reasons}); the first ones:")
        say(describe_examples(log))
    if log.get("guards"):
        from fmtrain.cli.guards import guard_table

        told = guard_table(log["guards"])
        if told:
            say(told.rstrip())


@contextmanager
def output_file(path: str | None) -> Iterator[int]:
    """A descriptor for results: standard output, a pipe or device that is there, or a file that
    appears whole or not at all."""
    if path is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            # Nothing to tidy up, and a worker may be waiting for the pipe's reader.
            signal.signal(number, signal.SIG_DFL)
        sys.stdout.flush()
        yield sys.stdout.fileno()
        return
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        with open(path, "wb", buffering=0) as there:
            yield there.fileno()
        return
    check_writable(path)
    target = os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(
        dir=os.path.dirname(target), prefix=os.path.basename(target) + ".tmp."
    )
    try:
        yield handle
        umask = os.umask(0)
        os.umask(umask)
        try:
            os.fsync(handle)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, target)
        except OSError as error:
            raise FileError(f"{path}: cannot write: {error.strerror}") from error
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(handle)
