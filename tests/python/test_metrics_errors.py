"""What fmtrain.metrics refuses, by the text of its errors."""

from __future__ import annotations

import math
import re

import pytest

from fmtrain import metrics


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.auc([0, 1], [1, 2, 3]), "score has 3 rows, must have 2"),
        (lambda: metrics.auc([0, 1], [1, math.nan]), "score[1] is nan, must be finite"),
        (lambda: metrics.auc([0, 1, 0], [1, 0, -math.inf]), "score[2] is -inf, must be finite"),
        (lambda: metrics.auc([0, 1], [1, 2], [1, -2]), "weight[1] is -2.0, must be finite and >="),
        (lambda: metrics.auc([0, 1], [1, 2], [1]), "weight has 1 rows, must have 2"),
        (lambda: metrics.auc([0, -1], [1, 2]), "y[1] is -1.0, must be in [0, 1]"),
        (lambda: metrics.auc([], []), "y has shape (0,), must be (n,) with n >= 1"),
        (lambda: metrics.auc([[0, 1]], [1, 2]), "y has shape (1, 2), must be (n,) with n >= 1"),
        (lambda: metrics.grouped_auc([0, 1], [1, 2], [1]), "group has 1 rows, must have 2"),
        (lambda: metrics.logloss([0, 1], [0.5, 1.5]), "p[1] is 1.5, must be in [0, 1]"),
        (lambda: metrics.calibration_buckets([1], [0.5], buckets=0), "buckets is 0, must be >= 1"),
        (lambda: metrics.mae([1, math.inf], [1, 2]), "target[1] is inf, must be finite"),
        (lambda: metrics.rmse([1], [1, 2]), "prediction has 2 rows, must have 1"),
        (lambda: metrics.auc_difference([0, 1], [1, 2], [1]), "b has 1 rows, must have 2"),
        (lambda: metrics.auc_difference([0, 1], [1, 2], [1, 2], replicates=0), "replicates is 0"),
        (lambda: metrics.auc_difference([0, 1], [1, 2], [1, 2], confidence=1), "confidence is 1"),
        (lambda: metrics.evaluate([0, 3], None, [1, 2]), "label[1] is 3.0, must be in [0, 1]"),
        (lambda: metrics.evaluate([0], None, [1], link="log"), "link is 'log', must be one of sig"),
        (lambda: metrics.evaluate([0], None, [1], background_ctr=1.0), "background_ctr is 1.0"),
    ],
)
def test_errors_name_the_argument_and_the_row(call, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        call()
