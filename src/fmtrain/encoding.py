"""The encoder within a model: put there, compared, changed, and used on rows that Python holds."""

from __future__ import annotations

import json
from typing import Any

from fmtrain.data.matrix import Columns, Csr
from fmtrain.errors import ParameterError, printable
from fmtrain.features.encoder import encode_rows, native_encoder
from fmtrain.features.schema import Schema
from fmtrain.lazy import np


def give_schema(native: Any, schema: Any) -> None:
    """A model that is new encodes its rows by this schema from here on."""
    encoder = native_encoder(Schema.of(schema), native.hash_seed)
    encoder.check_fitted()
    native.set_encoder(encoder)


def schema_of(native: Any, name: str = "model") -> Schema | None:
    """The schema that the model was trained by; None where it was trained on samples."""
    encoder = native.encoder
    if encoder is None:
        return None
    return Schema.stored(encoder.schema, encoder.forests, name)


def keep_schema(native: Any, schema: Any, new_forest: bool = False) -> int:
    """Checks that `schema` is the model's own: its weights mean nothing by another. With new_forest
    the forests alone may be others: weights of the old leaves leave the model. Returns how many."""
    given, own = Schema.of(schema), schema_of(native)
    if own is None:
        if native.features > 0:
            raise ParameterError(
                "the model was trained on samples, without a schema: it cannot be given one"
            )
        give_schema(native, given)
        return 0
    # What was seen while learning changes no feature.
    difference = own.difference(given, ignoring=("profile", "forests"))
    if difference is not None:
        raise ParameterError(
            f"{printable(given.source)}: another schema than the model's: {difference}"
        )
    encoder = native_encoder(given, native.hash_seed)
    old, new = forests_of(native.encoder), forests_of(encoder)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if not changed:
        return 0
    if not new_forest:
        raise ParameterError(
            f"{printable(given.source)}: the forest '{printable(changed[0])}' is another one than "
            "the model's: new leaves have a new meaning; --new-forest (new_forest=True) starts "
            "their weights anew"
        )
    gone = [native.encoder.leaf_ids(name) for name in changed if name in old]
    retired = sum(native.drop_rows(ids) for ids in gone)
    native.set_encoder(encoder)
    return int(retired)


def forests_of(encoder: Any) -> dict[str, tuple[bytes, list[str]]]:
    """{forest: its trees and the columns that they look at}."""
    tables = json.loads(encoder.schema).get("forests", {})
    return {name: (trees, tables[name]["columns"]) for name, trees in encoder.forests.items()}


def rows_as_matrix(native: Any, X: Any, threads: int) -> Csr:
    """Rows that a model with a schema encodes, ready for a stream. ParameterError names the first
    that is bad, as each must have its result."""
    found = encode_rows(native.encoder, X, threads, names=native.has_names, label_required=False)
    if found.log["bad_lines"]:
        first = found.log["examples"][0]
        detail = printable(first["detail"].decode(errors="surrogateescape"))
        raise ParameterError(f"X, row {first['line'] - 1}: {first['text']}: '{detail}'")
    ids, first_at, indices = np.unique(found.ids, return_index=True, return_inverse=True)
    names = [found.names[i] for i in first_at] if found.names else [b""] * len(ids)
    indptr = found.indptr.astype(np.int64)
    return Csr(indptr, indices.astype(np.int64), found.x, Columns(names, ids), None)
