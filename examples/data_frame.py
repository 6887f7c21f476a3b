"""A DataFrame of numbers and categories through scikit-learn's interface.

A numeric column is the feature `column` with its value; any other is the feature `column=value`.
Needs pandas and scikit-learn.
"""

import numpy as np
import pandas as pd
from sklearn.model_selection import cross_val_score

from fmtrain import FTRLModel


def main() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, 5_000) / 80,
            "city": random.choice(["Oslo", "Lima", "Pune"], 5_000),
            "device": random.choice(["phone", "desktop"], 5_000),
        }
    )
    logit = 2 * frame["age"] - 1 + (frame["city"] == "Oslo") - 0.5 * (frame["device"] == "phone")
    clicked = (random.random(5_000) < 1 / (1 + np.exp(-logit))).astype(int)

    model = FTRLModel(factors=0, alpha=0.1, l1=0.0, l2=0.1)
    print("AUC", cross_val_score(model, frame, clicked, scoring="roc_auc", cv=3).round(3))

    model.fit(frame, clicked)
    found, w, _ = model.weights(["age", "city=Oslo", "city=Lima", "device=phone"])
    print(dict(zip(["age", "city=Oslo", "city=Lima", "device=phone"], w.round(2), strict=True)))
    assert found.all()


if __name__ == "__main__":
    main()
