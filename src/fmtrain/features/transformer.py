"""scikit-learn's protocol of a transformer that learns column by column, in any pieces."""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

from fmtrain.errors import ParameterError
from fmtrain.features.columns import Columns, as_frame, is_pandas, read_columns
from fmtrain.lazy import np, npt
from fmtrain.protocol import Parameters, not_fitted_error

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]

Self = TypeVar("Self", bound="Transformer")

OUTPUTS = ("default", "pandas")


class Transformer(Parameters):
    """fit forgets what was learned, partial_fit adds to it, transform changes nothing.

    A DataFrame of pandas becomes one, of the same columns and index; all else becomes an array.
    """

    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]

    # ---- what each transformer says ----

    def _start(self, count: int) -> None:
        """Checks the parameters and forgets what was learned of `count` columns."""
        raise NotImplementedError

    def _learn(self, values: Floats) -> None:
        """values: (rows, columns)."""
        raise NotImplementedError

    def _change(self, values: Floats) -> npt.NDArray[Any]:
        """A new array of the same shape."""
        raise NotImplementedError

    def _piece(self, column: int) -> dict[str, Any]:
        """What the schema says of a column; see schema_transforms."""
        raise NotImplementedError

    # ---- the protocol ----

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        signature = inspect.signature(cls.__init__).parameters
        return {name: p.default for name, p in signature.items() if name != "self"}

    def fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learns from X alone. X: (rows, columns), numbers; NaN is a missing value."""
        for learned in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, learned)
        return self.partial_fit(X)

    def partial_fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learns from X beside what was learned before."""
        columns = read_columns(X)
        if self.__sklearn_is_fitted__():
            self._check_columns(columns)
        else:
            count = columns.values.shape[1]
            self._start(count)
            self.n_features_in_ = count
            if columns.names is not None:
                self.feature_names_in_ = np.array(columns.names, dtype=object)
        self._learn(columns.values)
        return self

    def transform(self, X: Any) -> Any:
        """X: (rows, columns) as fit had them."""
        self._check_fitted()
        columns = read_columns(X)
        self._check_columns(columns)
        changed = self._change(columns.values)
        wanted = self._output or global_output()
        if wanted not in OUTPUTS:
            raise ParameterError(f"transform='{wanted}' is not to be had: give default or pandas")
        if is_pandas(X) or wanted == "pandas":
            return as_frame(changed, list(self.get_feature_names_out()), columns.index)
        return changed

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return self.fit(X).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:
        """The columns' own names: x0, x1, ... where they have none."""
        self._check_fitted()
        known: npt.NDArray[Any] | None = getattr(self, "feature_names_in_", None)
        if input_features is None:
            if known is not None:
                return known
            return np.array([f"x{i}" for i in range(self.n_features_in_)], dtype=object)
        names = np.asarray(input_features, dtype=object)
        if known is not None and not np.array_equal(names, known):
            raise ParameterError("input_features is not equal to feature_names_in_")
        if names.size != self.n_features_in_:
            raise ParameterError(
                "input_features should have length equal to number of features "
                f"({self.n_features_in_}), got {names.size}"
            )
        return names

    _output: str | None = None

    def set_output(self: Self, *, transform: str | None = None) -> Self:
        """transform: "pandas", or "default": what came in. None leaves it as it is."""
        if transform is not None:
            if transform not in OUTPUTS:
                raise ParameterError(
                    f"transform='{transform}' is not to be had: give default or pandas"
                )
            self._output = transform
        return self

    def schema_transforms(self) -> dict[str, dict[str, Any]]:
        """What a schema says of each column, by its name; see schema_columns."""
        self._check_fitted()
        return {str(name): self._piece(i) for i, name in enumerate(self.get_feature_names_out())}

    # ---- checks ----

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise not_fitted_error(type(self).__name__, "'fit' or 'partial_fit'")

    def _check_columns(self, columns: Columns) -> None:
        count, own = columns.values.shape[1], type(self).__name__
        known = getattr(self, "feature_names_in_", None)
        if columns.names is not None and known is not None:
            check_names(list(known), columns.names)
        if count != self.n_features_in_:
            raise ParameterError(
                f"X has {count} features, but {own} is expecting {self.n_features_in_} features "
                "as input"
            )
        if (columns.names is None) != (known is None):
            has, was = ("no", "with") if columns.names is None else ("has", "without")
            said = "does not have valid" if has == "no" else "has"
            warnings.warn(
                f"X {said} feature names, but {own} was fitted {was} feature names", stacklevel=3
            )

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(allow_nan=True),
        )


def global_output() -> str:
    """sklearn.set_config(transform_output=...), where scikit-learn is loaded."""
    sklearn: Any = sys.modules.get("sklearn")
    return "default" if sklearn is None else str(sklearn.get_config()["transform_output"])


def check_names(known: list[str], given: list[str]) -> None:
    if given == known:
        return
    message = "The feature names should match those that were passed during fit."
    unseen, absent = sorted({*given} - {*known}), sorted({*known} - {*given})
    if unseen:
        message += f"\nFeature names unseen at fit time:\n{listed(unseen)}"
    if absent:
        message += f"\nFeature names seen at fit time, yet now missing:\n{listed(absent)}"
    if not unseen and not absent:
        message += "\nFeature names must be in the same order as they were in fit."
    raise ParameterError(message + "\n")


def listed(names: list[str]) -> str:
    shown = [f"- {name}" for name in names[:5]]
    return "\n".join(shown + ["- ..."] * (len(names) > 5))
