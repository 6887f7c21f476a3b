"""FTRLModel: logistic regression and factorization machines trained by FTRL-Proximal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

from fmtrain import _core
from fmtrain.data.labels import encode_labels, encode_weights
from fmtrain.data.matrix import Matrix, as_matrix, feature_id, refuse_nonfinite
from fmtrain.data.rows import Format, open_input
from fmtrain.economy import Economy, minutes_now
from fmtrain.errors import ParameterError
from fmtrain.estimator import Estimator, not_fitted
from fmtrain.hyper import default, to_native
from fmtrain.lazy import metrics, np, npt
from fmtrain.model_files import ModelFiles, usual_format
from fmtrain.reports import FitReport, Predictions, Progress, guards_by_column
from fmtrain.stream import (
    TICK_SECONDS,
    Shard,
    check_max_bad_ratio,
    check_shard,
    check_threads,
    run_pass,
)
from fmtrain.training import Run

Link = Literal["sigmoid", "exp", "raw"]


class FTRLModel(Estimator, ModelFiles):
    """Logistic regression (factors=0) or a factorization machine, trained online by FTRL.

    FTRL-Proximal per coordinate (McMahan et al., KDD 2013), factorization machine of order 2
    (Rendle, ICDM 2010). Follows scikit-learn's conventions. The parameters' meanings, ranges and
    defaults are those of `fmtrain fit --help`; `names` keeps the features' names for dumps;
    `threads` learn in parallel. One thread leaves the same bytes for the same stream; several do
    with `deterministic`, where they parse side by side and learn in turn.

    X may be a list of text lines (`name[:value] ...`), an iterable of {name: value}, a scipy
    sparse matrix, a 2-d array or a DataFrame; the column j without a name is the feature `str(j)`.
    With a `schema` (a path, a dict or a fmtrain.features.Schema) X holds raw rows instead: a list
    of {column: value}, a DataFrame, or anything with the Arrow C stream interface; where y is given
    apart, X's columns of labels and weights do not count.

    Attributes after fitting: `classes_` (2), `n_features_in_` (matrices), `feature_names_in_`
    (DataFrames), `report_` (FitReport, after fit_stream). Not safe to use from two threads while
    it is being trained.
    """

    report_: FitReport

    def __init__(
        self,
        *,
        bias: bool = default("bias"),
        linear: bool = default("linear"),
        factors: int = default("factors"),
        alpha: float = default("alpha"),
        beta: float = default("beta"),
        l1: float = default("l1"),
        l2: float = default("l2"),
        bias_l1: float | None = default("bias_l1"),
        bias_l2: float | None = default("bias_l2"),
        v_alpha: float = default("v_alpha"),
        v_beta: float = default("v_beta"),
        v_l1: float = default("v_l1"),
        v_l2: float = default("v_l2"),
        init_stdev: float = default("init_stdev"),
        v_start: str = default("v_start"),
        min_count: int = default("min_count"),
        v_min_count: int = default("v_min_count"),
        force_v_sparse: bool = default("force_v_sparse"),
        seed: int = default("seed"),
        hash_seed: int = default("hash_seed"),
        names: bool = False,
        threads: int = 1,
        deterministic: bool = False,
        schema: Any = None,
    ) -> None:
        self.bias = bias
        self.linear = linear
        self.factors = factors
        self.alpha = alpha
        self.beta = beta
        self.l1 = l1
        self.l2 = l2
        self.bias_l1 = bias_l1
        self.bias_l2 = bias_l2
        self.v_alpha = v_alpha
        self.v_beta = v_beta
        self.v_l1 = v_l1
        self.v_l2 = v_l2
        self.init_stdev = init_stdev
        self.v_start = v_start
        self.min_count = min_count
        self.v_min_count = v_min_count
        self.force_v_sparse = force_v_sparse
        self.seed = seed
        self.hash_seed = hash_seed
        self.names = names
        self.threads = threads
        self.deterministic = deterministic
        self.schema = schema

    # ---- training ----

    def fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> FTRLModel:
        """One pass over X from an empty model.

        y: (rows), two classes, or probabilities in [0, 1] (soft labels). sample_weight: (rows),
        >= 0; a factor of each row's gradient, so weight 2 is not the row twice.
        """
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if weight is not None and weight.size > 0 and not weight.any():
            raise ParameterError("every sample_weight is zero: there is nothing to learn")
        for learned in ("_native", "classes_", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(learned, None)
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | None = None,
    ) -> FTRLModel:
        """Learns on: as fit, but from what is there. `classes` names both classes when the first
        rows may not hold both."""
        if y is None:
            raise ParameterError(
                "y is missing (requires y to be passed, but the target y is None); lines that "
                "carry their labels go to fit_stream"
            )
        self._check_threads()
        native = self._ready_native()
        self._keep_schema(native)
        matrix = self._matrix(native, X)
        known = np.asarray(classes) if classes is not None else getattr(self, "classes_", None)
        labels, found = encode_labels(y, matrix.rows, known)
        weight = encode_weights(sample_weight, matrix.rows)
        self._check_columns(X, matrix, first=not hasattr(self, "_native"))
        stream = _core.Trainer(
            native, self.threads, deterministic=self.deterministic, now_minutes=minutes_now()
        )
        matrix.push(stream, labels, weight)
        stream.finish()
        self._native, self.classes_ = native, found
        refuse_nonfinite(stream.log(), "such row(s) were left out, the others were learned")
        return self

    def fit_stream(
        self,
        source: Any,
        *,
        epochs: int = 1,
        valid: Any = None,
        patience: int | None = None,
        save_to: str | None = None,
        format: Format | None = None,
        max_bad_ratio: float = 0.01,
        bad_lines: str | os.PathLike[str] | None = None,
        expire_after: str | int | Iterable[str] | None = None,
        min_count_memory: str | int | None = None,
        max_memory: str | int | None = None,
        progress: Callable[[Progress], None] | None = None,
        progress_seconds: float = TICK_SECONDS,
        cache: str | os.PathLike[str] | None = None,
        shard: Shard | None = None,
        new_forest: bool = False,
        strict: bool = False,
    ) -> FTRLModel:
        """Learns on from anything the command line reads; what happened is in `report_`.

        source: path, glob, "-", "exec:CMD", a list of these, a binary file object, or an iterable
        of labelled lines (bytes). epochs > 1 needs a source that can be read again. valid: a
        source to evaluate on after every epoch; with `patience` training stops after so many
        epochs without a better logloss, and the best model is kept (in memory and in `save_to`).
        save_to: where the model goes at the end, and what survives a broken input (as
        save_to + ".partial"). bad_lines: a file that receives the refused lines. progress is
        called about every `progress_seconds`. cache: a file that receives the samples of the
        first epoch, as `fmtrain.pack` writes them; later epochs read it, so any source will do.
        shard: (I, N), every N-th block of packed samples from I on. expire_after, a rule or
        several (50_000_000, ["30d", "user_=7d"]), min_count_memory ("64M") and max_memory ("8G")
        are those of `fmtrain fit --help`; what they did is in `report_.progress.economy`.
        format: text or libffm, which are samples; tsv, csv, jsonl or parquet, which are raw rows
        and need a schema (then the default is the schema's format; source may also be a DataFrame
        or a list of dicts). new_forest: the schema's forest may be another one than the model's;
        weights of the old leaves are dropped. strict: a column whose cells are not as the schema's
        profile says is an error, not a warning.
        Raises BadInputError when more than `max_bad_ratio` of the lines are bad, BrokenInputError
        when an input broke off. KeyboardInterrupt stops at a sample boundary: what was learned
        stands, is saved, and `report_.interrupted` holds the signal's number.
        """
        self._check_threads()
        native = self._ready_native()
        retired = self._keep_schema(native, new_forest)
        sources, used = open_input(source, format, usual_format(native))
        run = Run(
            model=self,
            native=native,
            sources=sources,
            valid=open_input(valid, format, used) if valid is not None else None,
            epochs=epochs,
            patience=patience,
            save_to=os.fspath(save_to) if save_to is not None else None,
            format=used,
            strict=strict,
            max_bad_ratio=max_bad_ratio,
            bad_lines=os.fspath(bad_lines) if bad_lines is not None else None,
            economy=Economy.of(expire_after, min_count_memory, max_memory, self.min_count),
            progress=progress,
            progress_seconds=progress_seconds,
            cache=os.fspath(cache) if cache is not None else None,
            shard=shard,
        )
        self.report_ = run.report
        self.report_.retired = retired
        run.train()
        return self

    # ---- prediction ----

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Raw scores (rows): log odds of the second class."""
        native = self._fitted()
        matrix = self._matrix(native, X)
        self._check_columns(X, matrix, first=False)
        stream = _core.Predictor(native, self._check_threads())
        matrix.push(stream, None, None)
        stream.finish()
        refuse_nonfinite(stream.log(), "")
        scores: npt.NDArray[np.float64] = stream.take()[2].astype(np.float64)
        return scores

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities (rows, 2) in the order of classes_."""
        p = metrics.probability(self.decision_function(X))
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class of each row (rows)."""
        scores = self.decision_function(X)
        predicted: npt.NDArray[Any] = self.classes_[(scores > 0).astype(np.intp)]
        return predicted

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Accuracy, as scikit-learn's classifiers."""
        hits = self.predict(X) == np.asarray(y)
        weight = encode_weights(sample_weight, len(hits))
        return float(np.average(hits, weights=weight))

    def predict_stream(
        self,
        source: Any,
        *,
        format: Format | None = None,
        max_bad_ratio: float = 0.01,
        shard: Shard | None = None,
    ) -> Predictions:
        """Scores labelled lines of anything fit_stream reads, in input order."""
        check_shard(shard)
        check_max_bad_ratio(max_bad_ratio)
        native = self._fitted()
        sources, used = open_input(source, format, usual_format(native))
        stream = _core.Predictor(native, self._check_threads(), used)
        run_pass(stream, sources, max_bad_ratio, shard=shard)
        label, weight, score, group = stream.take()
        log, warnings = self._log_of(stream)
        return Predictions(label, weight, score, group, log, warnings)

    def write_predictions(
        self,
        source: Any,
        fd: int,
        *,
        link: Link = "sigmoid",
        format: Format | None = None,
        max_bad_ratio: float = 0.01,
        alphafm: bool = False,
        shard: Shard | None = None,
    ) -> tuple[dict[str, Any], list[str]]:
        """Writes `label score[ key]` lines to an open descriptor, in input order.

        link: sigmoid (probability), exp (expected watch time, exp(score) clamped at e^88) or raw
        (log odds). alphafm: its format, `1|-1 probability`. Returns the log and warnings.
        """
        check_shard(shard)
        check_max_bad_ratio(max_bad_ratio)
        if link not in get_args(Link):
            raise ParameterError(f"link = {link!r} is not allowed: give one of {get_args(Link)}")
        native, threads = self._fitted(), self._check_threads()
        sources, used = open_input(source, format, usual_format(native))
        stream = _core.Predictor(
            native,
            threads,
            used,
            output_fd=fd,
            link=link,
            alphafm=alphafm,
            label_required=False,
        )
        warnings = run_pass(stream, sources, max_bad_ratio, shard=shard)
        log, drift = self._log_of(stream)
        return log, warnings + drift

    # ---- looking inside ----

    def __len__(self) -> int:
        """Features in the table."""
        return int(self._native.features) if hasattr(self, "_native") else 0

    def __bool__(self) -> bool:
        return True

    def weights(
        self, names: Iterable[str | bytes]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """found (n), w (n), v (n, factors) of features by name; zeros where not found."""
        ids = [feature_id(name, self._hash_seed()) for name in names]
        found, w, v = self._fitted().weights(np.array(ids, dtype=np.uint64))
        return found, w, v

    # ---- inside ----

    def _hash_seed(self) -> int:
        """The seed that names are hashed with: a fitted model's own."""
        return int(self._native.hash_seed if hasattr(self, "_native") else self.hash_seed)

    def _check_threads(self) -> int:
        return check_threads(self.threads)

    def _fitted(self) -> Any:
        if not hasattr(self, "_native"):
            raise not_fitted()
        return self._native

    def _ready_native(self) -> Any:
        """The native model, a new one where there is none yet, with the parameters as they are."""
        hyper = to_native(self.get_params())
        native = getattr(self, "_native", None)
        if native is None:
            native = _core.Model(hyper, bool(self.names))
        elif native.hyper() != hyper:
            native.change_hyper(hyper)
        return native

    def _keep_schema(self, native: Any, new_forest: bool = False) -> int:
        """The native model's schema is `schema`. How many weights of old leaves left it."""
        # One object says the same again; a path may lead to something new.
        if self.schema is None or self.schema is self.__dict__.get("_schema_kept"):
            return 0
        from fmtrain.encoding import keep_schema
        from fmtrain.features.schema import Schema

        retired = keep_schema(native, self.schema, new_forest)
        self._schema_kept = self.schema if isinstance(self.schema, Schema) else None
        return retired

    def _log_of(self, stream: Any) -> tuple[dict[str, Any], list[str]]:
        """Of a stream that is over: its log, with the guards of raw rows, and what is unlike the
        rows that the schema was learned from."""
        guards = guards_by_column(stream.guards())
        if not guards or self.schema is None:
            return stream.log(), []
        from fmtrain.features.drift import warnings_of
        from fmtrain.features.schema import Schema

        return {**stream.log(), "guards": guards}, warnings_of(guards, Schema.of(self.schema))

    def _matrix(self, native: Any, X: Any) -> Matrix:
        if native.encoder is None:
            return as_matrix(X, self._hash_seed())
        from fmtrain.encoding import rows_as_matrix

        return rows_as_matrix(native, X, self._check_threads())
