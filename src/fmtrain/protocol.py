"""What scikit-learn expects of every estimator, without needing scikit-learn installed."""

from __future__ import annotations

from typing import Any, TypeVar

from fmtrain.errors import ParameterError

Self = TypeVar("Self", bound="Parameters")


class Parameters:
    """Parameters are attributes of the same name; learned attributes end in an underscore."""

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        raise NotImplementedError

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self: Self, **params: Any) -> Self:
        names = list(self._defaults())
        for name, value in params.items():
            if name not in names:
                raise ParameterError(f"no parameter is called '{name}'; there are: {names}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = self._defaults()
        changed = {n: value for n, value in self.get_params().items() if value != defaults[n]}
        arguments = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"{type(self).__name__}({arguments})"


def not_fitted_error(name: str, calls: str) -> Exception:
    """scikit-learn's NotFittedError where it is installed, else one of ours of the same bases."""
    message = f"This {name} instance is not fitted yet. Call {calls} before using it."
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return ParameterError(message)
    return NotFittedError(message)  # type: ignore[no-any-return]
