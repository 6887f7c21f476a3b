"""FTRL-Proximal LR and FM from the papers, in doubles: the oracle the native core is held to.

McMahan et al., KDD 2013 (the update); Rendle, ICDM 2010 (the FM score and its gradient).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from typing import Any

BIAS, W = None, -1  # a coordinate is (name, lane): lane W is w, lanes 0..factors-1 are v
Feature = tuple[Hashable, float]  # name, value
Term = tuple[Hashable, int, float, float]  # name, lane, weight, d score / d weight
DEFAULTS: dict[str, Any] = dict(
    bias=True, linear=True, factors=8, alpha=0.05, beta=1.0, l1=0.1, l2=5.0, bias_l1=None,
    bias_l2=None, v_alpha=0.05, v_beta=1.0, v_l1=0.1, v_l2=5.0, init_stdev=0.1, v_start="lazy",
    force_v_sparse=False,
)  # fmt: skip


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score); neither branch can overflow."""
    e = math.exp(-abs(score))
    return 1 / (1 + e) if score >= 0 else e / (1 + e)


class Reference:
    """`hyper` is FTRLModel's parameters by name; `start(name, lane)` is v0, times init_stdev.

    The state is `z` and `n`, two dicts keyed (name, lane). The names of `features` may repeat:
    each occurrence is an entry of its own.
    """

    def __init__(self, hyper: dict[str, Any], start: Callable[[Any, int], float]) -> None:
        self.hyper, self.start = {**DEFAULTS, **hyper}, start
        self.lazy = {"lazy": True, "kept": False}[self.hyper["v_start"]]
        self.z: dict[tuple[Hashable, int], float] = {(BIAS, W): 0.0}
        self.n: dict[tuple[Hashable, int], float] = {(BIAS, W): 0.0}

    def rates(self, name: Hashable, lane: int) -> tuple[float, ...]:
        """(alpha, beta, l1, l2) of one coordinate."""
        own = "bias_" if name is BIAS else "v_" if lane != W else ""
        keys = [(own + key, key) for key in ("alpha", "beta", "l1", "l2")]
        return tuple(self.hyper[k if self.hyper.get(k) is not None else w] for k, w in keys)

    def insert(self, name: Hashable) -> None:
        """A new row of zeros, unless kept: then z is such that the closed form gives v0 back."""
        for lane in (W, *range(self.hyper["factors"])):
            self.z[name, lane] = self.n[name, lane] = 0.0
            if lane != W and not self.lazy:
                v0, (alpha, beta, l1, l2) = self.start(name, lane), self.rates(name, lane)
                self.z[name, lane] = -(v0 * (l2 + beta / alpha) + ((v0 > 0) - (v0 < 0)) * l1)

    def weight(self, name: Hashable, lane: int = W) -> float:
        """The w or v of a row that exists: a function of its z and n."""
        z, n, (alpha, beta, l1, l2) = self.z[name, lane], self.n[name, lane], self.rates(name, lane)
        if lane != W and n > 0 and self.hyper["force_v_sparse"] and self.weight(name) == 0:
            return 0.0
        if lane != W and n == 0 and z == 0 and self.lazy:
            return self.start(name, lane)
        if abs(z) <= l1:
            return 0.0
        return -(z - math.copysign(l1, z)) / ((beta + math.sqrt(n)) / alpha + l2)

    def forward(self, features: Iterable[Feature]) -> tuple[float, list[Term]]:
        """The raw score and its terms, over the rows that exist."""
        known = [(name, x) for name, x in features if x != 0 and (name, W) in self.z]
        linear = known * bool(self.hyper["linear"]) + [(BIAS, 1.0)] * bool(self.hyper["bias"])
        terms: list[Term] = [(name, W, self.weight(name), x) for name, x in linear]
        score = sum(w * x for _, _, w, x in terms)
        for lane in range(self.hyper["factors"]):
            entries = [(name, self.weight(name, lane), x) for name, x in known]
            total = sum(v * x for _, v, x in entries)
            score += (total**2 - sum((v * x) ** 2 for _, v, x in entries)) / 2
            terms += [(name, lane, v, x * (total - v * x)) for name, v, x in entries]
        return score, terms

    def score(self, features: Iterable[Feature]) -> float:
        """The raw score (log odds); a name never learned adds nothing and is not inserted."""
        return self.forward(features)[0]

    def learn(self, label: float, features: Iterable[Feature], weight: float = 1.0) -> float:
        """One sample, `label` 1, 0, -1 or a probability; the probability before the update."""
        features = list(features)
        for name, x in features:
            if x != 0 and (name, W) not in self.z:
                self.insert(name)
        score, terms = self.forward(features)
        probability = sigmoid(score)
        for name, lane, w, slope in terms:
            g, n = weight * (probability - max(label, 0.0)) * slope, self.n[name, lane]
            sigma = (math.sqrt(n + g * g) - math.sqrt(n)) / self.rates(name, lane)[0]
            self.z[name, lane] += g - sigma * w
            self.n[name, lane] = n + g * g
        return probability
