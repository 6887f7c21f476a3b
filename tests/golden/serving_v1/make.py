"""How the files of this folder were made: never again, see README.md."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from fmtrain import FTRLModel
from fmtrain.data.matrix import feature_id
from fmtrain.features.encoder import encode_rows
from fmtrain.serving import Scorer

HERE = Path(__file__).resolve().parent
FOREST = HERE.parent / "forests" / "lightgbm-3.3.5.txt"
LINES = [f"{i % 3 % 2} a{i % 7}:0.5 b{i % 5} c{i % 11}:-{i % 4}.25".encode() for i in range(200)]
ROWS = [{"y": i % 2, "n": i % 9 - 3.5, "m": i % 4, "c": f"x{i % 6}"} for i in range(100)]
SCHEMA = {
    "columns": {
        "y": {"role": "label"},
        "n": {"role": "user", "type": "number", "transforms": ["boundaries -2 0 2"]},
        "m": {"role": "item", "type": "number"},
        "c": {"role": "item"},
    },
    "features": {"n x c": {"cross": ["n", "c"]}},
    "forests": {"g": {"columns": ["n", "m", "m"], "file": str(FOREST)}},
}
KIND = {"lr": 0, "fm3": 3, "fm8": 8}


def samples() -> tuple[list[int], list[int], list[float]]:
    """Eight samples of known and unknown features, in CSR."""
    row_ptr, ids, x = [0], [], []
    for i in range(8):
        for j in range(i):
            name = f"{'abcz'[j % 4]}{(3 * i + j) % 11}"
            ids.append(feature_id(name, 5))
            x.append([1.0, -0.5, 2.25][j % 3])
        row_ptr.append(len(ids))
    return row_ptr, ids, x


def main() -> None:
    row_ptr, ids, x = samples()
    items = (np.array(row_ptr, np.uint64), np.array(ids, np.uint64), np.array(x, np.float32))
    document = {"row_ptr": row_ptr, "ids": [f"{i:016x}" for i in ids], "x": x, "files": {}}
    for kind, factors in KIND.items():
        model = FTRLModel(factors=factors, hash_seed=5, l1=0.01, v_l1=0.0, init_stdev=0.2, seed=9)
        model.fit_stream(LINES)
        for precision in ("float32", "float16", "int8"):
            path = HERE / f"{kind}_{precision}.fms"
            options = {"precision": precision, "version": "1", "trained_until": 1_795_000_000}
            model.export_serving(path, name=kind, **options)
            document["files"][path.name] = expected(path, items)
    model = FTRLModel(schema=SCHEMA, factors=2, hash_seed=5, l1=0.01, init_stdev=0.2, seed=9)
    model.fit_stream(ROWS)
    path = HERE / "rows.fms"
    curve = [[-1, 0.1], [0, 0.25], [0.5, 0.75]]
    model.export_serving(path, down_sampling_rate=0.5, isotonic=curve, trained_until=1_795_000_000)
    document["rows"] = [{k: v for k, v in row.items() if k != "y"} for row in ROWS[:9]]
    found = encode_rows(model._native.encoder, document["rows"], 1, label_required=False)
    document["files"][path.name] = expected(path, (found.indptr, found.ids, found.x))
    (HERE / "expected.json").write_text(json.dumps(document, indent=1) + "\n")


def expected(path: Path, items: object) -> dict[str, object]:
    found: dict[str, object] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    for output in ("score", "prediction"):
        with Scorer(path, output=output) as scorer:
            found[output] = [float(value) for value in scorer.score(items).scores]
            found["features"] = scorer.info.features
    return found


if __name__ == "__main__":
    main()
