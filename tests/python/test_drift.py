"""Which runs are said to differ from what their schema was learned from, and in what words."""

from __future__ import annotations

from typing import Any

import pytest

from fmtrain.cli.guards import guard_table, profile_table
from fmtrain.errors import BadInputError, DriftError
from fmtrain.features.drift import check_drift, warnings_of
from fmtrain.features.encoder import Encoder
from fmtrain.features.learn import learn, learn_schema
from fmtrain.features.schema import Schema


def schema_with(profile: dict[str, Any]) -> Schema:
    columns = {"I3": {"type": "number"}, "C\t1": {}, "label": {"role": "label"}}
    return Schema.of({"columns": columns, "profile": profile})


def counts(rows: int, **more: int) -> dict[str, int]:
    names = ("missing", "nan", "infinite", "invalid", "outside", "unusual")
    return {"rows": rows, **dict.fromkeys(names, 0), **more}


def test_a_missing_share_that_jumps() -> None:
    schema = schema_with(
        {"I3": {"rows": 60_000, "missing": 0.2214}, "C\t1": {"rows": 9, "missing": 0}}
    )
    assert warnings_of({"I3": counts(10_000, missing=4_500)}, schema) == [
        "column 'I3': 45.0% of the cells are missing, 22.1% were when the schema was learned"
    ]
    assert warnings_of({"I3": counts(10_000, missing=0)}, schema) == [
        "column 'I3': 0.0% of the cells are missing, 22.1% were when the schema was learned"
    ]
    both = {"I3": counts(2_000, missing=2_000), "C\t1": counts(2_000, missing=1_990)}
    assert [text[:15] for text in warnings_of(both, schema)] == [
        "column 'I3': 10",
        "column 'C\\t1': ",
    ]
    with pytest.raises(DriftError, match=r"missing, 22\.1% were when the schema was learned; col"):
        check_drift(both, schema)
    assert issubclass(DriftError, BadInputError)


@pytest.mark.parametrize(
    ("seen", "profile"),
    [
        (counts(999, missing=999), {"rows": 60_000, "missing": 0}),  # too few rows
        (counts(10**6, missing=270_000), {"rows": 10**6, "missing": 0.2214}),  # within the step
        # Few rows were learned from: half of 30 says little.
        (counts(10_000, missing=2_500), {"rows": 30, "missing": 0.5}),
        (counts(1_000, missing=530), {"rows": 1_000, "missing": 0.45}),  # within the noise
        (counts(10**6, missing=10**6), {"rows": 10**6}),  # not recorded
        (counts(10**6, missing=10**6), {"rows": 0, "missing": 1}),
        (counts(10**6, missing=4), {"rows": 10**6, "missing": 0}),
        (counts(10**4, unusual=100), {"rows": 10**6, "missing": 0, "min": 0, "max": 9}),
    ],
)
def test_no_jump(seen: dict[str, int], profile: dict[str, Any]) -> None:
    schema = schema_with({"I3": profile})
    assert warnings_of({"I3": seen}, schema) == []
    check_drift({"I3": seen}, schema)


def test_a_range_that_jumps() -> None:
    schema = schema_with({"I3": {"rows": 60_000, "missing": 0.5, "min": -1.5, "max": 1e6}})
    seen = counts(10_000, missing=5_000, invalid=100, unusual=51)
    assert warnings_of({"I3": seen}, schema) == [
        "column 'I3': 1.0% of the numbers lie outside -1.5 to 1e+06, none did when the schema was "
        "learned"
    ]
    assert warnings_of({"I3": {**seen, "unusual": 49}}, schema) == []


def test_columns_without_a_profile_or_guards() -> None:
    assert warnings_of({"I3": counts(10_000, missing=10_000)}, schema_with({})) == []
    assert warnings_of({}, schema_with({"I3": {"rows": 10_000, "missing": 0}})) == []


def test_of_real_runs() -> None:
    schema = {
        "columns": {
            "y": {"role": "label"},
            "a": {"type": "number", "range": [-100, 100]},
            "b": {"missing": ["?"]},
        }
    }
    rows = [f"1\t{i % 50}\t{'?' if i % 3 else 'x'}\n" for i in range(3_000)]
    learned = learn_schema(schema, "".join(rows).encode())
    # No label is no drift: what is scored has none.
    same = Encoder(learned).encode("".join(rows).encode())
    assert warnings_of(same.guards, learned) == []
    other = "".join(f"\t{i % 80 if i % 4 else 'no'}\tx\n" for i in range(2_000)).encode()
    run = Encoder(learned).encode(other, label_required=False)
    assert warnings_of(run.guards, learned) == [
        "column 'a': 38.3% of the numbers lie outside 0 to 49, none did when the schema was learned"
        "",
        "column 'b': 0.0% of the cells are missing, 66.7% were when the schema was learned",
    ]
    assert guard_table(run.guards) == (
        "column         missing  nan  infinite  invalid  outside  unusual\n"
        "y       2,000 (100.0%)    0         0        0        0        0\n"
        "a                    0    0         0      500        0      575\n"
    )
    assert guard_table({"a": counts(5)}) == ""


def test_the_table_of_a_profile() -> None:
    schema = {"columns": {"a": {"type": "number", "range": [0, 9]}, "b\n": {}}}
    _, profile = learn(schema, b"1\tx\n\tx\nnan\tx\ninf\tx\n-3\tx\nno\tx\n2.5\t\n")
    assert profile_table(profile.columns) == (
        "column    missing  nan  infinite  invalid  outside  min  max\n"
        "a       2 (28.6%)    1         1        1        1    0  2.5\n"
        "b\\n     1 (14.3%)    0         0        0        0\n"
    )
    assert profile_table({}) == ""
