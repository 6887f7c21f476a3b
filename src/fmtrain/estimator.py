"""scikit-learn's protocol for FTRLModel, without needing scikit-learn installed."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

from fmtrain.data.matrix import Matrix
from fmtrain.errors import ParameterError
from fmtrain.hyper import HYPER
from fmtrain.lazy import np, npt

Self = TypeVar("Self", bound="Estimator")

#: The parameters beside the hyper-parameters, with their defaults.
OWN_PARAMETERS: dict[str, Any] = {
    "names": False,
    "threads": 1,
    "deterministic": False,
    "schema": None,
}


class Estimator:
    """Parameters are attributes of the same name; learned attributes end in an underscore."""

    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [*HYPER, *OWN_PARAMETERS]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self: Self, **params: Any) -> Self:
        for name, value in params.items():
            if name not in self._parameter_names():
                raise ParameterError(
                    f"no parameter is called '{name}'; there are: {self._parameter_names()}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {**OWN_PARAMETERS, **{name: p.default for name, p in HYPER.items()}}
        changed = {n: value for n, value in self.get_params().items() if value != defaults[n]}
        return f"FTRLModel({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_native")

    @cached_property
    def classes_(self) -> npt.NDArray[Any]:
        """Both classes: 0 and 1 where fit set no others."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError("the model is not fitted: it has no classes_ yet")
        return np.array([0, 1])

    _estimator_type = "classifier"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(multi_class=False, poor_score=True),
            input_tags=InputTags(sparse=True),
        )

    def _check_columns(self, X: Any, matrix: Matrix, first: bool) -> None:
        """scikit-learn's bookkeeping of columns; text and dicts have none."""
        if matrix.rows == 0:
            raise ParameterError("X has 0 sample(s) while a minimum of 1 is required")
        count = matrix.width
        if count is None:
            return
        if count == 0:
            raise ParameterError(
                f"X has 0 feature(s) (shape=({matrix.rows}, 0)) while a minimum of 1 is required."
            )
        names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
        if first:
            self.n_features_in_ = count
            if names is not None:
                self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "n_features_in_") and count != self.n_features_in_:
            raise ParameterError(
                f"X has {count} features, but FTRLModel is expecting {self.n_features_in_} "
                "features as input"
            )


def not_fitted() -> Exception:
    """scikit-learn's NotFittedError where it is installed, else one of ours of the same bases."""
    message = (
        "This FTRLModel instance is not fitted yet. Call 'fit', 'partial_fit' or 'fit_stream' "
        "before using it."
    )
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return ParameterError(message)
    return NotFittedError(message)  # type: ignore[no-any-return]
