"""fm_train, fm_predict, model_bin_tool: alphaFM's own flags and files.

The flags and their defaults are alphaFM's (commit a726194). Beyond it: inputs are checked before
training starts, bad lines are counted instead of ending the run, and files are written whole.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import typer

from fmtrain import FTRLModel, _core
from fmtrain.cli.app import output_file, parse_dim, report_lines, say
from fmtrain.cli.fit import exit_as_stopped, train_through_signals
from fmtrain.cli.output import write
from fmtrain.errors import ParameterError
from fmtrain.stream import check_writable
from fmtrain.training import save_with_rescue

#: Click reads one-letter-dash words as bundles of short flags, so alphaFM's are read here.
RAW = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

TRAIN_FLAGS = {
    "-m": ("model", "path of the model to write"),
    "-mf": ("model_format", "txt or bin; default txt"),
    "-dim": ("dim", "k0,k1,k2: bias, linear, factors; default 1,1,8"),
    "-init_stdev": ("init_stdev", "standard deviation of v's start; default 0.1"),
    "-w_alpha": ("alpha", "default 0.05"),
    "-w_beta": ("beta", "default 1"),
    "-w_l1": ("l1", "default 0.1"),
    "-w_l2": ("l2", "default 5"),
    "-v_alpha": ("v_alpha", "default 0.05"),
    "-v_beta": ("v_beta", "default 1"),
    "-v_l1": ("v_l1", "default 0.1"),
    "-v_l2": ("v_l2", "default 5"),
    "-core": ("threads", "threads; default 1"),
    "-im": ("init_model", "model to continue from"),
    "-imf": ("init_format", "its format, txt or bin; default txt"),
    "-fvs": ("force_v_sparse", "1: a feature whose w is 0 has v = 0; default 0"),
    "-mnt": ("number_type", "double or float, of a bin model; default double"),
}
PREDICT_FLAGS = {
    "-m": ("model", "path of the model"),
    "-mf": ("model_format", "txt or bin; default txt"),
    "-dim": ("factors", "factors of a txt model; default: as the file says"),
    "-core": ("threads", "threads; default 1"),
    "-out": ("out", "where the predictions go"),
    "-mnt": ("number_type", "accepted; a bin model says itself what it holds"),
}
TOOL_FLAGS = {
    "-task": ("task", "1 print info, 2 bin to txt, 3 bin to txt without zeros, 4 txt to bin"),
    "-im": ("source", "input model"),
    "-om": ("target", "output model; tasks 2 and 3 default to standard output"),
    "-dim": ("factors", "factors of the txt model, for task 4"),
    "-mnt": ("number_type", "double or float, for task 4; default double"),
}
HYPER_NAMES = (
    "init_stdev",
    "alpha",
    "beta",
    "l1",
    "l2",
    "v_alpha",
    "v_beta",
    "v_l1",
    "v_l2",
)

Flags = dict[str, tuple[str, str]]


def usage(command: str, flags: Flags) -> str:
    lines = [f"Usage: fmtrain {command} [FLAG VALUE]... < samples", "", "alphaFM's flags:"]
    return "\n".join([*lines, *(f"  {flag:<12} {text}" for flag, (_, text) in flags.items())])


def parse_flags(command: str, words: Sequence[str], flags: Flags) -> dict[str, str]:
    """{parameter: text}; asks for help or names the word that is wrong."""
    given: dict[str, str] = {}
    words = list(words)
    while words:
        flag = words.pop(0)
        if flag in ("-h", "--help"):
            print(usage(command, flags))
            raise typer.Exit
        if flag not in flags:
            raise ParameterError(f"{command} has no flag {flag}\n{usage(command, flags)}")
        if not words:
            raise ParameterError(f"{flag} needs a value\n{usage(command, flags)}")
        given[flags[flag][0]] = words.pop(0)
    return given


def number(given: dict[str, str], name: str, default: str, kind: type = int) -> Any:
    text = given.get(name, default)
    try:
        return kind(text)
    except ValueError:
        raise ParameterError(f"{name} = {text} is not a number") from None


def one_of(given: dict[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = given.get(name, choices[0])
    if value not in choices:
        raise ParameterError(f"{name} = {value} is not allowed: give {' or '.join(choices)}")
    return value


def needed(given: dict[str, str], name: str, flag: str) -> str:
    if name not in given:
        raise ParameterError(f"{flag} is needed")
    return given[name]


def fm_train(ctx: typer.Context) -> None:
    """alphaFM's fm_train: the same flags and files."""
    given = parse_flags("fm_train", ctx.args, TRAIN_FLAGS)
    target = needed(given, "model", "-m")
    check_writable(target)
    binary = one_of(given, "model_format", ("txt", "bin")) == "bin"
    narrow = one_of(given, "number_type", ("double", "float")) == "float"
    dim = parse_dim(given.get("dim", "1,1,8"))
    hyper = {name: number(given, name, "", float) for name in HYPER_NAMES if name in given}
    hyper.update(dim, force_v_sparse=given.get("force_v_sparse") == "1")
    threads = number(given, "threads", "1")
    if "init_model" in given:
        say("load model...")
        model = FTRLModel.import_alphafm(
            given["init_model"],
            binary=one_of(given, "init_format", ("txt", "bin")) == "bin",
            threads=threads,
            **hyper,
        )
        say(f"model loading finished, {len(model):,} features")
    else:
        model = FTRLModel(**hyper, names=True, threads=threads)
    train_through_signals()
    model.fit_stream("-")
    report = model.report_
    report_lines(report.log, report.warnings)
    say("output model...")
    kind = "alphafm-text" if not binary else "alphafm-bin-float" if narrow else "alphafm-bin"
    native = model._native
    save_with_rescue(lambda path: native.export(os.fsencode(path), kind, True, False), target)
    say("model outputting finished")
    exit_as_stopped(report)


def fm_predict(ctx: typer.Context) -> None:
    """alphaFM's fm_predict: the same flags, files and output."""
    given = parse_flags("fm_predict", ctx.args, PREDICT_FLAGS)
    binary = one_of(given, "model_format", ("txt", "bin")) == "bin"
    model = FTRLModel.import_alphafm(
        needed(given, "model", "-m"),
        binary=binary,
        factors=number(given, "factors", "") if "factors" in given else None,
        threads=number(given, "threads", "1"),
    )
    with output_file(needed(given, "out", "-out")) as fd:
        log, warnings = model.write_predictions("-", fd, alphafm=True)
    report_lines(log, warnings)


def model_bin_tool(ctx: typer.Context) -> None:
    """alphaFM's model_bin_tool: look at and convert its model files."""
    given = parse_flags("model_bin_tool", ctx.args, TOOL_FLAGS)
    task = one_of(given, "task", ("", "1", "2", "3", "4"))
    if task == "":
        raise ParameterError(f"-task is needed\n{usage('model_bin_tool', TOOL_FLAGS)}")
    source = needed(given, "source", "-im")
    if task == "1":
        info = _core.alphafm_info(os.fsencode(source))
        kind = {8: "double", 4: "float"}[info["number_bytes"]]
        write(
            f"format_version: 1\nnumber_byte_length: {info['number_bytes']}({kind})\n"
            f"factor_num: {info['factors']}\nfeature_num: {info['features']}\n"
            f"nonzero_feature_num: {info['nonzero_features']}\nsuccess_flag: true\n\n"
        )
    elif task == "4":
        number_type = one_of(given, "number_type", ("double", "float"))
        factors = number({"-dim": needed(given, "factors", "-dim")}, "-dim", "")
        target = needed(given, "target", "-om")
        _core.convert_alphafm(
            os.fsencode(source), False, factors, number_type, True, os.fsencode(target)
        )
    else:
        _core.convert_alphafm(
            os.fsencode(source), True, -1, "text", task == "2", os.fsencode(given.get("target", ""))
        )


def register(app: typer.Typer) -> None:
    for command in (fm_train, fm_predict, model_bin_tool):
        app.command(command.__name__, context_settings=RAW)(command)
