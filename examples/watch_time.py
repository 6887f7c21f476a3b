"""Weighted logistic regression for watch time (Covington et al., RecSys 2016).

Positives weigh the seconds watched, everything else weighs 1. The learned odds exp(score) are then
the expected watch time, so that is what is served.
"""

from fmtrain import FTRLModel, metrics
from fmtrain.synth import Synth


def main() -> None:
    source = Synth(weights=True, ctr=0.05)

    model = FTRLModel(factors=0, alpha=0.05, l1=0.1, l2=1.0)
    model.fit_stream([source.text(0, 200_000)])

    found = model.predict_stream([source.text(200_000, 50_000)])
    report = metrics.evaluate(found.label, found.weight, found.score, link="exp")
    expected = metrics.odds(found.score)
    watched = found.weight * (found.label > 0.5)
    print(f"mean watch time {watched.mean():.3f} s, predicted {expected.mean():.3f} s")
    print(report.to_dict()["watch_time"])


if __name__ == "__main__":
    main()
