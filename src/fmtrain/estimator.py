"""scikit-learn's protocol for FTRLModel, without needing scikit-learn installed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fmtrain.data.matrix import Matrix
from fmtrain.errors import ParameterError
from fmtrain.hyper import HYPER
from fmtrain.lazy import np, npt
from fmtrain.protocol import Parameters, not_fitted_error

#: The parameters beside the hyper-parameters, with their defaults.
OWN_PARAMETERS: dict[str, Any] = {
    "names": False,
    "threads": 1,
    "deterministic": False,
    "schema": None,
}


class Estimator(Parameters):
    """Of FTRLModel: columns, classes and tags."""

    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {**{name: p.default for name, p in HYPER.items()}, **OWN_PARAMETERS}

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
    return not_fitted_error("FTRLModel", "'fit', 'partial_fit' or 'fit_stream'")
