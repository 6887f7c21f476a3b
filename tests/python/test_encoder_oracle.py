"""The encoder's specification by example: each case holds for the oracle and for the encoder."""

from __future__ import annotations

import json
import math
from typing import Any

import mmh3
import pytest

from encoder_oracle import Oracle, as_text, shortest

LABEL = {"y": {"role": "label"}}
NUMBER, LIST, WEIGHTED = {"type": "number"}, {"type": "list"}, {"type": "weighted-list"}
TEXT, TIME = {"type": "text"}, {"type": "timestamp"}
IGNORED = {"role": "ignore"}


def number(*transforms: str, **rules: Any) -> dict[str, Any]:
    return NUMBER | {"transforms": list(transforms)} | kebab(rules)


def kebab(rules: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("_", "-"): rule for key, rule in rules.items()}


def schema(columns: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"columns": LABEL | columns, **others}


def one(column: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A schema of one column, a."""
    return schema({"a": column}, **others)


def cuts(*at: float) -> dict[str, Any]:
    return {"learned": {"a": {"cuts": list(at)}}}


def from_a(column: dict[str, Any], **made: Any) -> dict[str, Any]:
    """The column gives nothing of its own; the feature f is made from it."""
    return schema({"a": column | IGNORED}, features={"f": {"from": "a"} | kebab(made)})


def crossed(a: dict[str, Any], b: dict[str, Any], **others: Any) -> dict[str, Any]:
    features = {"a_": {"from": "a", "emit": False}, "b_": {"from": "b", "emit": False}}
    for name, column in (("a_", a), ("b_", b)):
        if "transforms" in column:
            features[name]["transforms"] = column["transforms"]
    columns = {
        name: {key: rule for key, rule in column.items() if key != "transforms"} | IGNORED
        for name, column in (("a", a), ("b", b))
    }
    return schema(columns, features=features | {"ab": {"cross": ["a_", "b_"]}}, **others)


def hash_of(raw: bytes, seed: int = 0) -> int:
    return int(mmh3.hash64(raw, seed, signed=False)[0])


LN2 = 0.6931471824645996  # as a float
ODD = "a=b@#:&% c"
Z = {"learned": {"a": {"mean": 1.0, "deviation": 2.0}}}
SPAN = {"learned": {"a": {"min": -1.0, "max": 3.0}}}
REJECTED = ("bad", "rejected_cell", "a")
HUGE = 3.4028234663852886e38  # the largest float

# (schema, cells, names of the features, with (name, x) where x is not 1, or the bad row)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    # Categories and names
    "category": (one({}), {"a": "ab"}, ["a=ab"]),
    "category with blanks": (one({}), {"a": " b c"}, ["a=%20b%20c"]),
    "category escaped": (one({}), {"a": "x:y&z%\x7f"}, ["a=x%3Ay%26z%25%7F"]),
    "category with bytes that only names escape": (one({}), {"a": "=@#"}, ["a==@#"]),
    "category in UTF-8": (one({}), {"a": "北京"}, ["a=北京"]),
    "name escaped": (schema({ODD: {}}), {ODD: "v"}, ["a%3Db%40%23%3A%26%25%20c=v"]),
    "category missing": (one({}), {"a": ""}, ["a="]),
    "category absent": (one({}), {}, ["a="]),
    "token of the schema": (one({}, missing=["NULL"]), {"a": "NULL"}, ["a="]),
    "token of the column": (one({"missing": ["?"]}, missing=["NULL"]), {"a": "NULL"}, ["a=NULL"]),
    "empty is missing always": (one({"missing": ["?"]}), {"a": ""}, ["a="]),
    "nan is a name": (one({}), {"a": "nan"}, ["a=nan"]),
    "category of a number": (one({}), {"a": 3.0}, ["a=3"]),
    "category of a large number": (one({}), {"a": 100000.0}, ["a=100000"]),
    "category of a number, scientific": (one({}), {"a": 1e22}, ["a=1e+22"]),
    "category of true": (one({}), {"a": True}, ["a=true"]),
    "category hashed": (
        one({"transforms": ["hash 100"]}),
        {"a": "a b"},
        [f"a={hash_of(b'a b') % 100}"],
    ),
    "missing is not hashed": (one({"transforms": ["hash 100"]}), {"a": ""}, ["a="]),
    "missing dropped": (one({"missing-as": "drop"}), {"a": ""}, []),
    "missing rejected": (one({"missing-as": "reject"}), {"a": ""}, REJECTED),
    # Numbers as values
    "value": (one(NUMBER), {"a": "2.5"}, [("a", 2.5)]),
    "value with signs and blanks": (one(NUMBER), {"a": " +1e-1\t"}, [("a", 0.10000000149011612)]),
    "value without digits before the point": (one(NUMBER), {"a": "-.5"}, [("a", -0.5)]),
    "zero gives none": (one(NUMBER), {"a": "-0.0"}, []),
    "float zero gives none": (one(NUMBER), {"a": "1e-60"}, []),
    "smallest float": (one(NUMBER), {"a": "1e-45"}, [("a", 2.0**-149)]),
    "beyond a float": (one(NUMBER), {"a": "-1e300"}, [("a", -HUGE)]),
    "beyond a double": (one(NUMBER), {"a": "1e999"}, ["a="]),
    "number of true": (one(NUMBER), {"a": True}, ["a"]),
    "missing filled in": (one(number(missing_as=7)), {"a": ""}, [("a", 7.0)]),
    "invalid": (one(NUMBER), {"a": "1,5"}, ["a="]),
    "blanks are no number": (one(NUMBER), {"a": " "}, ["a="]),
    "hexadecimal": (one(NUMBER), {"a": "0x10"}, ["a="]),
    "invalid filled in as missing is": (one(number(missing_as=-2.5)), {"a": "x"}, [("a", -2.5)]),
    "invalid dropped": (one(number(invalid_as="drop")), {"a": "x"}, []),
    "invalid rejected": (one(number(invalid_as="reject")), {"a": "x"}, REJECTED),
    "nan follows missing": (one(number(missing_as="drop", invalid_as="reject")), {"a": "-NaN"}, []),
    "infinite": (one(NUMBER), {"a": "-Infinity"}, ["a="]),
    "infinite clipped": (
        one(number(infinite_as="clip", range=[-3, 8])),
        {"a": "-inf"},
        [("a", -3.0)],
    ),
    "infinite rejected": (one(number(infinite_as="reject")), {"a": "inf"}, REJECTED),
    "outside clipped": (one(number(range=[0, 8])), {"a": "9"}, [("a", 8.0)]),
    "outside missing": (one(number(range=[1, 8], outside_as="missing")), {"a": "0"}, ["a="]),
    "range's end": (one(number(range=[1, 8], outside_as="drop")), {"a": "8"}, [("a", 8.0)]),
    "rules come before transforms": (one(number("log", range=[0, 1])), {"a": "5"}, [("a", LN2)]),
    # Transforms of numbers
    "log": (one(number("log")), {"a": "-1"}, [("a", -LN2)]),
    "clip": (one(number("clip -1 2")), {"a": "-7"}, [("a", -1.0)]),
    "below all cuts": (one(number("equal-width 3"), **cuts(0.5, 1.5)), {"a": "0.4"}, ["a=0"]),
    "at a cut": (one(number("equal-frequency 3"), **cuts(0.5, 1.5)), {"a": "0.5"}, ["a=1"]),
    "above all cuts": (one(number("equal-width 3"), **cuts(0.5, 1.5)), {"a": "1e300"}, ["a=2"]),
    "no cuts": (one(number("equal-frequency 3"), **cuts()), {"a": "5"}, ["a=0"]),
    "negative zero at a cut": (one(number("boundaries 0 1")), {"a": "-0.0"}, ["a=1"]),
    "log, then bins": (one(number("log", "boundaries 0.5 0.69 0.7")), {"a": "1"}, ["a=2"]),
    "log-square": (one(number("log-square")), {"a": "1382"}, ["a=52"]),
    "log-square of 2": (one(number("log-square")), {"a": "2"}, ["a=SP2"]),
    "log-square just above 2": (one(number("log-square")), {"a": "2.1"}, ["a=0"]),
    "log-square below 0": (one(number("log-square")), {"a": "-0.5"}, ["a=SP-1"]),
    "log-square far below 0": (one(number("log-square")), {"a": "-1e300"}, [f"a=SP-{2**53}"]),
    "round to even": (one(number("round")), {"a": "2.5"}, ["a=2"]),
    "round to zero": (one(number("round")), {"a": "-0.5"}, ["a=0"]),
    "round far out": (one(number("round")), {"a": "1e30"}, [f"a={2**53}"]),
    "z-score": (one(number("z-score"), **Z), {"a": "2"}, [("a", 0.5)]),
    "z-score of the mean": (one(number("z-score"), **Z), {"a": "1"}, []),
    "min-max": (one(number("min-max"), **SPAN), {"a": "0"}, [("a", 0.25)]),
    "min-max clips": (one(number("min-max"), **SPAN), {"a": "9"}, ["a"]),
    # Times
    "hour of seconds": (from_a(TIME, transforms=["hour"]), {"a": "3600"}, ["f=1"]),
    "hour before 1970": (from_a(TIME, transforms=["hour"]), {"a": "-1"}, ["f=23"]),
    "weekday of 1970": (from_a(TIME, transforms=["weekday"]), {"a": "0"}, ["f=3"]),
    "weekday of a date": (from_a(TIME, transforms=["weekday"]), {"a": "2024-02-29"}, ["f=3"]),
    "hour of a zone": (
        from_a(TIME | {"utc-offset": "+08:00"}, transforms=["hour"]),
        {"a": "2024-05-01T23:34:56.789Z"},
        ["f=7"],
    ),
    "hour written is the column's": (
        from_a(TIME | {"utc-offset": "-05:30"}, transforms=["hour"]),
        {"a": "2024-05-01 23:34:56"},
        ["f=23"],
    ),
    "no such day": (from_a(TIME, transforms=["hour"]), {"a": "2023-02-29"}, ["f="]),
    "time as a value": (from_a(TIME), {"a": "1970-01-02T00:00:00-01:00"}, [("f", 90000.0)]),
    # Lists and texts
    "list": (one(LIST), {"a": "x,,y,x"}, ["a=x", "a=y", "a=x"]),
    "list with its separator": (one(LIST | {"separator": "|"}), {"a": "x,y|z"}, ["a=x,y", "a=z"]),
    "list of items": (one(LIST), {"a": ["x,y", "", "z"]}, ["a=x,y", "a=z"]),
    "list of none": (one(LIST), {"a": ",,"}, ["a="]),
    "list of no items": (one(LIST), {"a": []}, ["a="]),
    "list dropped": (one(LIST | {"missing-as": "drop"}), {"a": ""}, []),
    "weighted": (one(WEIGHTED), {"a": "x:0.5,y"}, [("a=x", 0.5), "a=y"]),
    "weighted by the last colon": (one(WEIGHTED), {"a": "u:v:2"}, [("a=u%3Av", 2.0)]),
    "weighted zero": (one(WEIGHTED), {"a": "x:0,y:1"}, ["a=y"]),
    "weighted, no number": (one(WEIGHTED), {"a": "x:b,y:2"}, [("a=y", 2.0)]),
    "weighted, no numbers": (one(WEIGHTED), {"a": "x:b,y:nan"}, ["a="]),
    "weighted, none left": (one(WEIGHTED | {"invalid-as": "drop"}), {"a": "x:b"}, []),
    "weighted items": (one(WEIGHTED), {"a": {"u:v": 0.5, "z": 3}}, [("a=u%3Av", 0.5), ("a=z", 3)]),
    "weighted bins": (
        one(WEIGHTED | {"transforms": ["equal-width 2"]}, **cuts(0.5)),
        {"a": "x:0.4,y:0.5,z:0"},
        ["a=x@0", "a=y@1", "a=z@0"],
    ),
    "weighted, names hashed": (
        one(WEIGHTED | {"transforms": ["hash 7", "log"]}),
        {"a": "x:1"},
        [(f"a={hash_of(b'x') % 7}", LN2)],
    ),
    "words": (one(TEXT), {"a": "Don't PANIC, 北 42!"}, ["a=don", "a=t", "a=panic", "a=北", "a=42"]),
    "no words": (one(TEXT), {"a": "?!"}, ["a="]),
    "items are no category": (one({}), {"a": ["x"]}, ["a="]),
    # Crosses
    "cross": (crossed({}, {}), {"a": "x", "b": "y"}, ["a_=x&b_=y"]),
    "cross escaped": (crossed({}, {}), {"a": "x&", "b": "="}, ["a_=x%26&b_=="]),
    "cross of lists": (
        crossed(LIST, LIST),
        {"a": "x,y", "b": "u,v"},
        ["a_=x&b_=u", "a_=x&b_=v", "a_=y&b_=u", "a_=y&b_=v"],
    ),
    "cross with missing": (crossed({}, {}), {"a": "x"}, ["a_=x&b_="]),
    "cross with none": (crossed({}, {"missing-as": "drop"}), {"a": "x"}, []),
    "cross with zero": (crossed({}, NUMBER), {"a": "x", "b": "0"}, []),
    "cross of values": (crossed(NUMBER, NUMBER), {"a": "3", "b": "-0.5"}, [("a_&b_", -1.5)]),
    "cross too large": (crossed(NUMBER, NUMBER), {"a": "1e30", "b": "1e30"}, [("a_&b_", HUGE)]),
    "cross of bins": (
        crossed(number("boundaries 1 2"), {}),
        {"a": "1", "b": "k"},
        ["a_=1&b_=k"],
    ),
    "order": (
        schema({"b": {}, "a": NUMBER}, features={"z": {"from": "b"}, "c": {"cross": ["a", "b"]}}),
        {"a": "2", "b": "q"},
        ["b=q", ("a", 2.0), "z=q", ("a&b=q", 2.0)],
    ),
    # Labels
    "label missing": (one({}), {"a": "x", "y": ""}, ("bad", "missing_label", "y")),
    "label no number": (one({}), {"a": "x", "y": "yes"}, ("bad", "bad_label", "y")),
    "label too large": (one({}), {"a": "x", "y": "1.5"}, ("bad", "bad_label", "y")),
    "weight negative": (
        {"columns": {"a": {"role": "weight"}, "b": {}}},
        {"a": "-1", "b": "x"},
        ("bad", "bad_weight", "a"),
    ),
}  # fmt: skip


def expected(features: Any) -> list[tuple[bytes, int, float]]:
    pairs = [feature if isinstance(feature, tuple) else (feature, 1.0) for feature in features]
    return [(name.encode(), hash_of(name.encode()), x) for name, x in pairs]


def as_row(cells: dict[str, Any]) -> dict[str, Any]:
    return {"y": "1", **cells}


@pytest.mark.parametrize("case", CASES)
def test_oracle(case: str) -> None:
    spec, cells, wanted = CASES[case]
    got = Oracle(spec).encode(as_row(cells))
    if isinstance(wanted, tuple):
        assert got == wanted
    else:
        assert got[:4] == ("sample", 1.0, 1.0, b"")
        assert got[4] == expected(wanted)


@pytest.mark.parametrize("case", CASES)
def test_encoder(case: str) -> None:
    features = pytest.importorskip("fmtrain.features")
    spec, cells, wanted = CASES[case]
    cells = {k: json.loads(shortest(v)) if isinstance(v, float) else v for k, v in cells.items()}
    line = json.dumps(as_row(cells)).encode() + b"\n"
    got = features.Encoder(spec, names=True).encode(line, format="jsonl")
    if isinstance(wanted, tuple):
        assert got.log["bad"] == {wanted[1]: 1}
    else:
        assert not got.log["bad"]
        assert list(zip(got.names, got.ids.tolist(), got.x.tolist(), strict=True)) == expected(
            wanted
        )


@pytest.mark.parametrize(
    ("column", "cell", "label"),
    [
        ({}, "-1", 0.0),
        ({}, "0.1", 0.10000000149011612),
        ({}, True, 1.0),
        ({"positive": [">50K"]}, ">50K", 1.0),
        ({"positive": [">50K"]}, "<=50K", 0.0),
        ({"positive": ["b"], "negative": ["s"]}, "s", 0.0),
        ({"positive": ["b"], "negative": ["s"]}, "?", None),
    ],
)
def test_labels(column: dict[str, Any], cell: Any, label: float | None) -> None:
    got = Oracle({"columns": {"y": {"role": "label"} | column}}).encode({"y": cell})
    assert got[1] == ("bad_label" if label is None else label)


def test_row_without_label_to_predict() -> None:
    assert Oracle(schema({})).encode({}, label_required=False)[:2] == ("sample", 0.0)


def test_weight_key_and_seed() -> None:
    spec = schema({"w": {"role": "weight"}, "k": {"role": "key"}, "a": {}})
    got = Oracle(spec, seed=9).encode(as_row({"w": "0.5", "k": "user 1", "a": "x"}))
    assert got[1:4] == (1.0, 0.5, b"user%201")
    assert got[4] == [(b"a=x", hash_of(b"a=x", 9), 1.0)]


def test_guards() -> None:
    spec = one(number(range=[0, 1]) | {"missing": ["?"]})
    cells = ["?", "", "nan", "inf", "1e999", "x", "2", "0.5"]
    got = [Oracle(spec).encode(as_row({"a": cell}))[5]["a"] for cell in cells]
    assert got == [
        {"rows": 1, "missing": 1},
        {"rows": 1, "missing": 1},
        {"rows": 1, "missing": 1, "nan": 1},
        {"rows": 1, "infinite": 1},
        {"rows": 1, "infinite": 1},
        {"rows": 1, "invalid": 1},
        {"rows": 1, "outside": 1},
        {"rows": 1},
    ]


def test_leaves() -> None:
    spec = schema(
        {"a": NUMBER | IGNORED | {"missing-as": "drop"}, "b": number("log", range=[0, 9])},
        forests={"gb dt": {"columns": ["b", "a"]}},
    )
    seen: list[float] = []
    oracle = Oracle(spec, forests={"gb dt": ("0a1b2c3d", lambda row: seen.extend(row) or [3, 203])})
    got = oracle.encode(as_row({"a": "", "b": "70"}))
    assert [name for name, _, _ in got[4]] == [
        b"b",
        b"gb%20dt@0a1b2c3d.0=3",
        b"gb%20dt@0a1b2c3d.1=203",
    ]
    assert seen[0] == 9.0
    assert math.isnan(seen[1])


def test_row_too_wide() -> None:
    spec = crossed(LIST, LIST)
    assert len(Oracle(spec).encode(as_row({"a": "x," * 1024, "b": "y," * 1024}))[4]) == 1 << 20
    row = as_row({"a": "x," * 1024, "b": "y," * 1025})
    assert Oracle(spec).encode(row) == ("bad", "too_wide", None)


@pytest.mark.parametrize(
    ("v", "text"),
    [
        (3.0, "3"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (1e22, "1e+22"),
        (1.5e-5, "1.5e-05"),
        (0.001, "0.001"),
        (0.00012, "0.00012"),
        (0.0001, "1e-04"),
        (-2.5, "-2.5"),
        (123456.75, "123456.75"),
        (2.0**60, "1152921504606846976"),
        (math.inf, "inf"),
        (5e-324, "5e-324"),
    ],
)
def test_shortest_decimal(v: float, text: str) -> None:
    assert as_text(v) == text.encode()
