"""Incremental training: one model goes on from each half hour's log, whole state included.

Every log is first scored (honest metrics on data the model has not seen), then learned.
"""

import tempfile
from pathlib import Path

from fmtrain import FTRLModel, metrics
from fmtrain.synth import Synth


def write_log(path: Path, half_hour: int) -> None:
    """Stands for the log of one half hour: 20,000 samples of a hidden model."""
    path.write_bytes(Synth().text(half_hour * 20_000, 20_000))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        model_path = Path(folder) / "model.fmt"
        for half_hour in range(6):
            log = Path(folder) / f"log-{half_hour}.txt"
            write_log(log, half_hour)
            if half_hour == 0:
                model = FTRLModel(factors=0, alpha=0.1, l1=0.01, l2=0.1)
            else:
                model = FTRLModel.load(model_path)
                found = model.predict_stream(log)
                auc = metrics.auc(found.label, found.score, found.weight)
                print(f"half hour {half_hour}: AUC {auc:.4f} before learning it")
            model.fit_stream(log)
            model.save(model_path)
        print(f"{len(model):,} features, {model_path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
