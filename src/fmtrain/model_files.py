"""How a model leaves memory and comes back: its own file, dumps, alphaFM's files, pickles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from fmtrain import _core
from fmtrain.hyper import from_native, to_native
from fmtrain.lazy import npt

if TYPE_CHECKING:
    from fmtrain.serving_file import Precision, ServingLink, When

Self = TypeVar("Self", bound="ModelFiles")


class ModelFiles:
    """Of FTRLModel."""

    _native: Any
    schema: Any
    _schema_kept: Any

    def _fitted(self) -> Any:
        raise NotImplementedError

    def _matrix(self, native: Any, X: Any) -> Any:
        raise NotImplementedError

    def dump(
        self, path: str | os.PathLike[str], format: str = "text", keep_zeros: bool = False
    ) -> dict[str, int]:
        """Writes the weights as text, json, alphafm-text, alphafm-bin or alphafm-bin-float.

        Rows whose weights are all 0 are left out unless keep_zeros. Returns rows, dropped, bytes,
        bytes_saved.
        """
        counts: dict[str, int] = self._fitted().export(os.fsencode(path), format, keep_zeros)
        return counts

    def export_serving(
        self,
        path: str | os.PathLike[str],
        *,
        precision: Precision = "float32",
        name: str | None = None,
        version: str | None = None,
        trained_until: When | None = None,
        link: ServingLink = "sigmoid",
        down_sampling_rate: float = 1.0,
        isotonic: npt.ArrayLike | None = None,
        golden: Any = None,
        max_score_shift: float | None = None,
    ) -> dict[str, Any]:
        """Writes the file that libfmscore and fmtrain.serving score with: weights alone.

        precision: of the weights, float32 (scores are this model's, bit by bit), float16 or int8.
        name, version: what servers call it; the name is the file's where none is given.
        trained_until: seconds since 1970, a datetime, or one as ISO 8601 writes it. link: of
        predictions. down_sampling_rate: the part of the negatives that was kept, which
        predictions are corrected for. isotonic: (n, 2) scores and probabilities, rising, between
        which predictions are interpolated, in the link's place; the scores are corrected before.
        golden: up to 1,000 samples, a file of them or what `predict` takes, whose scores are
        checked wherever the file is opened, beside the model's own. max_score_shift: an error
        where the score of one moves by more.
        Returns features, pruned (rows that are all zero), bytes, bytes_pruned (what they would
        have taken), golden_rows, golden_shift (how far the score of one moved).
        """
        from fmtrain.serving_file import golden_samples, write_serving_file

        native = self._fitted()
        return write_serving_file(
            native,
            path,
            precision=precision,
            name=name,
            version=version,
            trained_until=trained_until,
            link=link,
            down_sampling_rate=down_sampling_rate,
            isotonic=isotonic,
            golden=golden_samples(native, golden, usual_format(native), self._matrix),
            max_score_shift=max_score_shift,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the whole state to one file, whole or not at all.

        Not in it: `threads`, `deterministic`, class labels other than 0 and 1 (pickle keeps them).
        """
        self._fitted().save(os.fsencode(path))

    @classmethod
    def load(cls: type[Self], path: str | os.PathLike[str], threads: int = 1) -> Self:
        """A model that predicts and learns on exactly as the one that was saved."""
        return cls._adopt(_core.Model.load(os.fsencode(path)), threads)

    @classmethod
    def import_alphafm(
        cls: type[Self],
        path: str | os.PathLike[str],
        *,
        binary: bool = False,
        factors: int | None = None,
        threads: int = 1,
        **hyper: Any,
    ) -> Self:
        """A model from alphaFM's text or binary file.

        It predicts with the w and v of the file and learns on from its n and z. The file does not
        hold learning rates and penalties: give them as keywords (`alpha=`, `l1=`, ...).
        """
        native = _core.Model.import_alphafm(
            os.fsencode(path), binary, -1 if factors is None else factors, to_native(hyper)
        )
        return cls._adopt(native, threads)

    @classmethod
    def _adopt(cls: type[Self], native: Any, threads: int) -> Self:
        # FTRLModel's own parameters, which this half of it does not know.
        parameters = {**from_native(native.hyper()), "names": native.has_names}
        model = cls(**parameters, threads=threads)  # type: ignore[call-arg]
        model._native = native
        if native.encoder is not None:
            from fmtrain.encoding import schema_of

            model.schema = model._schema_kept = schema_of(native)
        return model

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if "_native" in state:
            state["_native"] = state["_native"].dumps()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_native" in state:
            self._native = _core.Model.loads(state["_native"])


def usual_format(native: Any) -> str:
    """Of a model's input, where none is given."""
    return "text" if native.encoder is None else str(native.encoder.format)
