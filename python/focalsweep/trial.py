"""A trainer of one's own in a sweep: what it is given, and what it writes (docs/trainers.md).

    from focalsweep import trial

    t = trial.load()
    model = MyModel(**t.parameters, seed=t.seed).fit(*t.split(t.train("pandas")))
    t.save(validation=model.score(t.split(t.validation("pandas"))[0]), test=model.score(t.features(t.test("pandas"))))
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ._frames import Kind, given
from .errors import InputError

VARIABLE = "FOCALSWEEP_TRIAL"
"""The variable of the environment that names a trial's JSON file."""


def load(path: str | os.PathLike[str] | None = None) -> Trial:
    """The trial that this process is to train: that of FOCALSWEEP_TRIAL, or of the file `path` (`trial.json`).

    >>> load()
    Traceback (most recent call last):
    focalsweep.errors.InputError: FOCALSWEEP_TRIAL is not set, so no trial is to be trained here
      hint: a sweep sets it; by hand it is trial.json under `trainers/` of a run directory
    """
    named = path or os.environ.get(VARIABLE)
    if not named:
        hint = "a sweep sets it; by hand it is trial.json under `trainers/` of a run directory"
        raise InputError(f"{VARIABLE} is not set, so no trial is to be trained here", hint)
    return Trial(json.loads(Path(named).read_text()))


class Trial:
    """One trial on one replicate. `given` is the JSON as it came."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.parameters: dict[str, Any] = dict(given["parameters"])
        """Its parameters by name."""
        self.seed: int = given["seed"]
        """For what it draws; the same for all trials of a replicate."""
        self.label: str = given["label"]
        """Name of the label column, which holds 0 and 1; the test rows have none."""
        self.threads: int = given["threads"]
        """Cores that are its own."""
        self.out = Path(given["out"])
        """The folder that it writes to."""

    @property
    def model(self) -> Path:
        """The folder whose files are kept with the run; made when it is asked for."""
        folder = self.out / "model"
        folder.mkdir(exist_ok=True)
        return folder

    def train(self, frame: Kind = "arrow") -> Any:
        """The rows that train."""
        return self._part("train", frame)

    def validation(self, frame: Kind = "arrow") -> Any:
        """The rows that choose."""
        return self._part("validation", frame)

    def test(self, frame: Kind = "arrow") -> Any:
        """The rows that only measure, without their label."""
        return self._part("test", frame)

    def calibration(self, frame: Kind = "arrow") -> Any:
        """The negatives that are set aside for a guarantee; None without `split.calibration`."""
        return self._part("calibration", frame) if self.given["data"].get("calibration") else None

    def _part(self, name: str, frame: Kind) -> Any:
        return given(pq.read_table(self.given["data"][name]), frame)

    def features(self, part: Any) -> Any:
        """A frame of `train`, `validation`, `test` or `calibration` without label and row number."""
        names = getattr(part, "column_names", None) or part.columns
        names = [name for name in names if name not in ("row", self.label)]
        return part.select(names) if hasattr(part, "select") else part[names]

    def split(self, part: Any) -> tuple[Any, Any]:
        """Features and label of a frame of `train` or `validation`."""
        return self.features(part), part[self.label]

    def log(self, epoch: int, **figures: float) -> None:
        """A row of history.parquet: `train_loss`, `val_loss`, `val_auc`, `learning_rate`, whichever are known."""
        print(json.dumps({"epoch": int(epoch), **{name: float(value) for name, value in figures.items()}}), flush=True)

    def save(self, *, validation: Any, test: Any, calibration: Any = None) -> None:
        """Writes the scores of each part, one for each of its rows and in their order, higher for more positive."""
        given = {"validation": validation, "test": test, "calibration": calibration}
        tables = []
        for name, scores in given.items():
            path = self.given["data"].get(name)
            if scores is None and not path:
                continue
            if scores is None or not path:
                known = ", ".join(name for name, path in self.given["data"].items() if path and name != "train")
                raise InputError(f"scores of `{name}` {'are missing' if path else 'were given'}, expected {known}")
            rows = pq.read_table(path, columns=["row"])["row"]
            found = pa.chunked_array([pa.array(_floats(scores), pa.float64())])
            if len(found) != len(rows):
                hint = f"give one for each row of `trial.{name}()`, in its order"
                raise InputError(f"{len(found)} scores of `{name}`, expected {len(rows)}", hint)
            split = pa.chunked_array([pa.array([name] * len(rows), pa.string())])
            tables.append(pa.table({"split": split, "row": rows, "score": found}))
        pq.write_table(pa.concat_tables(tables), self.out / "scores.parquet")


def _floats(scores: Any) -> Any:
    """An array of any library, or a column of a frame, as numbers in a row."""
    values = scores.tolist() if hasattr(scores, "tolist") else scores
    if hasattr(values, "to_list"):
        values = values.to_list()
    values = list(values)
    if values and isinstance(values[0], (list, tuple)):
        hint = "of `predict_proba` that is the second column, `[:, 1]`"
        raise InputError(f"found {len(values[0])} scores a row, expected 1", hint)
    return [value.as_py() if isinstance(value, pa.Scalar) else float(value) for value in values]
