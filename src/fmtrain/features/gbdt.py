"""Leaves of a forest of gradient boosted trees as categories for a linear model."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

from fmtrain import _core
from fmtrain.data.labels import encode_labels, encode_weights
from fmtrain.errors import (
    FileError,
    MissingExtraError,
    ParameterError,
    ParameterTypeError,
    printable,
)
from fmtrain.features.columns import Columns, read_columns
from fmtrain.lazy import np, npt
from fmtrain.protocol import Parameters, not_fitted_error

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

Self = TypeVar("Self", bound="GBDTLeafEncoder")


class GBDTLeafEncoder(Parameters):
    """Which leaf of each tree a row falls into (He et al., ADKDD 2014), as numbers (rows, trees).

    Each tree is one category: the number is the leaf's name as the library's pred_leaf gives it,
    not a quantity. With their names the leaves are features of a linear model:

        leaves = pandas.DataFrame(encoder.transform(X), columns=encoder.get_feature_names_out())
        FTRLModel().fit(leaves.astype(str)[encoder.rest_], y[encoder.rest_])

    A tree fits the rows that it is trained on better than it fits others, and a linear model that
    learns on the same rows believes it. So `train_share` trains the forest on an earlier stretch
    of the stream alone, its first rows, and the linear model learns on the rest: `rest_`. (To train
    the forest on a stretch held out in another way, fit on that and transform the others.)

    It does not always pay. On 60,000 Criteo rows leaves cost a linear model AUC either way: with
    300 trees of depth 6 .024 on the forest's own rows and .014 on others, with 100 trees of depth
    4 .006 and .003, and missing the rows held out costs more than that saves. On Adult's 32,561
    rows, 100 trees of depth 4 add .0165 on the very rows they were trained on: all rows is the
    default. Compare with a model without leaves (`fmtrain eval --against`).

    trees, depth, learning_rate: of the forest, which XGBoost trains (objective binary:logistic;
        the package is fmtrain[gbdt]).
    columns: names of a DataFrame's columns, or numbers of columns, in the order of the forest's
        features. Default: those that the given model names, else all. Values are numbers; NaN is
        missing; infinities are beyond every number. A category is the number that the model was
        trained with.
    model: a forest that exists, instead of training one: the path or the bytes of XGBoost's JSON
        or UBJSON, of LightGBM's text, or of what save() wrote; or a Booster of either library or
        its scikit-learn wrapper. All its trees count. LightGBM itself leaves out those behind the
        best iteration where it stopped early; XGBoost does not.
    train_share: the forest is trained on the first rows, this share of them.
    name: what the features are called.
    random_state: XGBoost's seed.
    threads: of training and of transform.

    Learned: forest_ (bytes; the schema's [forests] take them as a file), version_ (of the leaves'
    names: another forest has another), columns_, rows_used_, rest_.
    """

    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]
    columns_: list[str] | list[int]
    forest_: bytes
    version_: str
    rows_used_: int

    def __init__(
        self,
        trees: int = 100,
        depth: int = 4,
        learning_rate: float = 0.2,
        columns: Sequence[str] | Sequence[int] | None = None,
        model: Any = None,
        train_share: float = 1.0,
        name: str = "gbdt",
        random_state: int = 0,
        threads: int = 1,
    ) -> None:
        self.trees = trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.columns = columns
        self.model = model
        self.train_share = train_share
        self.name = name
        self.random_state = random_state
        self.threads = threads

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        signature = inspect.signature(cls.__init__).parameters
        return {name: p.default for name, p in signature.items() if name != "self"}

    # ---- fit ----

    def fit(self: Self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Trains the forest on the first rows of X, or takes the model and looks at X's columns.

        y: two classes, or probabilities in [0, 1]; not needed with a model.
        """
        self._check_parameters()
        self._forget()
        table = read_columns(X)
        rows, width = table.values.shape
        forest, wanted, used = None, self.columns, 0
        if self.model is not None:
            forest = read_forest(self.model)
            if wanted is None and table.names is not None and forest.column_names:
                wanted = forest.column_names
        picked = positions(table, wanted)
        names = None if table.names is None else [table.names[i] for i in picked]
        if forest is None:
            used = max(1, round(self.train_share * rows))
            forest = self._trained(table.values[:, picked], names, y, sample_weight, used)
        check_fits(forest, names, len(picked))
        self.n_features_in_ = width
        if table.names is not None:
            self.feature_names_in_ = np.array(table.names, dtype=object)
        self.columns_ = picked if names is None else names
        self.rows_used_ = used
        self.forest_ = forest.pack()
        self.version_ = f"{forest.content_hash:016x}"[:8]
        self._native = forest
        return self

    def _check_parameters(self) -> None:
        for name, low in {"trees": 1, "depth": 1, "threads": 1, "random_state": 0}.items():
            value = getattr(self, name)
            if not hasattr(value, "__index__") or isinstance(value, bool) or value < low:
                raise ParameterError(f"{name}={value!r} is not a whole number >= {low}")
        if not isinstance(self.learning_rate, Real) or not self.learning_rate > 0:
            raise ParameterError(f"learning_rate={self.learning_rate!r} is not a number above 0")
        if not isinstance(self.train_share, Real) or not 0 < self.train_share <= 1:
            raise ParameterError(f"train_share={self.train_share!r} is not within (0, 1]")
        if not isinstance(self.name, str) or not self.name:
            raise ParameterError(f"name={self.name!r} is not a name")

    def _forget(self) -> None:
        for learned in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, learned)
        vars(self).pop("_native", None)

    def _trained(
        self, values: Floats, names: list[str] | None, y: Any, sample_weight: Any, used: int
    ) -> Any:
        if y is None:
            raise ParameterError(
                "requires y to be passed, but the target y is None: the forest learns from it "
                "(a `model` that is trained needs none)"
            )
        labels, _ = encode_labels(y, len(values), None)
        weights = encode_weights(sample_weight, len(values))
        labels = labels[:used]
        weights = np.ones(used) if weights is None else weights[:used]
        if not weights.any():
            raise ParameterError(f"sample_weight is zero for all of the first {used} rows")
        if not 0 < np.average(labels, weights=weights) < 1:
            raise ParameterError(
                f"y has 1 class in the first {used} rows, which the forest is trained on: give a "
                "larger train_share or other rows"
            )
        xgboost = import_xgboost()
        limit = float(np.finfo(np.float32).max)  # it takes no infinity
        # It refuses names that a DataFrame may have.
        refused = any(c in name for name in names or [] for c in "[]<")
        matrix = xgboost.DMatrix(
            np.clip(values[:used], -limit, limit),
            label=labels,
            weight=weights,
            feature_names=None if refused else names,
            nthread=int(self.threads),
        )
        params = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": int(self.depth),
            "learning_rate": float(self.learning_rate),
            "seed": int(self.random_state),
            "nthread": int(self.threads),
        }
        booster = xgboost.train(params, matrix, int(self.trees))
        return _core.Forest.read(bytes(booster.save_raw("ubj")), "XGBoost's model")

    # ---- transform ----

    def transform(self, X: Any) -> npt.NDArray[np.uint32]:
        """X: (rows, columns) as fit had them; leaves: (rows, trees)."""
        self._check_fitted()
        table = read_columns(X)
        chosen = np.ascontiguousarray(table.values[:, self._picked(table)])
        found: npt.NDArray[np.uint32] = self._forest().find_leaves(chosen, int(self.threads))
        return found

    def _picked(self, table: Columns) -> list[int]:
        """By name where fit's X and this one have names, else by place."""
        names = getattr(self, "feature_names_in_", None)
        if table.names is not None and names is not None:
            return positions(table, self.columns_)
        width = table.values.shape[1]
        if width != self.n_features_in_:
            raise ParameterError(
                f"X has {width} features, but GBDTLeafEncoder is expecting {self.n_features_in_} "
                "features as input"
            )
        known: list[Any] = list(range(width)) if names is None else list(names)
        return [known.index(column) for column in self.columns_]

    def fit_transform(
        self, X: Any, y: Any = None, sample_weight: Any = None
    ) -> npt.NDArray[np.uint32]:
        return self.fit(X, y, sample_weight).transform(X)

    @property
    def rest_(self) -> slice:
        """The rows of fit's X that the forest was not trained on, or all where it was on all."""
        self._check_fitted()
        everything = self.rows_used_ == 0 or self.train_share == 1
        return slice(0 if everything else self.rows_used_, None)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """A leaf's name as a feature is its tree's, =, its number: gbdt@1a2b3c4d.12=203."""
        self._check_fitted()
        trees = range(self._forest().trees)
        return np.array([f"{self.name}@{self.version_}.{tree}" for tree in trees], dtype=object)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the forest to a file, whole or not at all: for `model`, and for a schema."""
        self._check_fitted()
        self._forest().save(os.fsencode(path))

    def _forest(self) -> Any:
        if not hasattr(self, "_native"):
            self._native = _core.Forest.read(self.forest_)
        return self._native

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_native"}

    # ---- scikit-learn ----

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "forest_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise not_fitted_error("GBDTLeafEncoder", "'fit'")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=self.model is None),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            classifier_tags=ClassifierTags(multi_class=False),  # what y may be
            input_tags=InputTags(allow_nan=True),
        )


def import_xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtraError(
            "GBDTLeafEncoder trains its forest with the package xgboost: pip install "
            "'fmtrain[gbdt]' (a `model` that is trained needs no package)"
        ) from error
    return xgboost


def read_forest(model: Any) -> Any:
    """From a path, bytes, or an object of XGBoost or LightGBM, which are not imported for it."""
    if isinstance(model, (str, os.PathLike)):
        path = os.fspath(model)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise FileError(f"{printable(str(path))}: cannot open: {error.strerror}") from error
        return _core.Forest.read(data, str(path))
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _core.Forest.read(bytes(model), "model")
    kind = f"{type(model).__module__.split('.')[0]}.{type(model).__name__}"
    if hasattr(model, "get_booster"):  # XGBModel
        model = model.get_booster()
    if hasattr(model, "booster_"):  # LGBMModel
        model = model.booster_
    if hasattr(model, "save_raw"):
        return _core.Forest.read(bytes(model.save_raw("ubj")), kind)
    if hasattr(model, "model_to_string"):
        return _core.Forest.read(model.model_to_string().encode(), kind)
    raise ParameterTypeError(
        f"model is a {kind}: give the path or the bytes of a model of XGBoost or LightGBM, or one "
        "of their Boosters"
    )


def positions(table: Columns, wanted: Any) -> list[int]:
    """Of the columns named or numbered, all where there is no wish."""
    width = table.values.shape[1]
    if wanted is None:
        return list(range(width))
    if isinstance(wanted, str) or not len(wanted):
        raise ParameterError(f"columns={wanted!r} is not a list of columns")
    found = [position(table, column, width) for column in wanted]
    if len(set(found)) < len(found):
        twice = next(c for i, c in enumerate(wanted) if found[i] in found[:i])
        raise ParameterError(f"columns has {twice!r} twice")
    return found


def position(table: Columns, column: Any, width: int) -> int:
    if not isinstance(column, str):
        if not hasattr(column, "__index__") or not 0 <= int(column) < width:
            raise ParameterError(f"columns has {column!r}: X has columns 0 to {width - 1}")
        return int(column)
    if table.names is None:
        raise ParameterError(f"columns has '{printable(column)}': X is no DataFrame with names")
    if column not in table.names:
        raise ParameterError(f"X has no column '{printable(column)}', which the forest looks at")
    return table.names.index(column)


def check_fits(forest: Any, names: list[str] | None, count: int) -> None:
    if forest.columns != count:
        raise ParameterError(
            f"the forest looks at {forest.columns} columns, X gives {count}: say by `columns` "
            "which they are, in the forest's order"
        )
    for i, (own, given) in enumerate(zip(forest.column_names, names or [], strict=False)):
        if own != given:
            raise ParameterError(
                f"column {i} of the forest is '{printable(own)}', X has '{printable(given)}' "
                "there: give `columns` in the forest's order, or a matrix without names"
            )
