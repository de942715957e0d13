"""`focalsweep.trial`: a trainer of one's own in a sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import focalsweep
from conftest import CRASH, QUICK

TRAINER = '''
"""Scores by the age alone; `off` spoils what is written."""
from focalsweep import trial

t = trial.load()
train, validation, test = t.train("pandas"), t.validation("polars"), t.test()
X, y = t.split(train)
assert set(y.unique()) == {0, 1} and t.label not in X and "row" not in X
assert t.label not in t.test("pandas") and t.features(validation).columns == list(X.columns)
ages = X["ageOFocc"]
low, high = float(ages.min()), float(ages.max())
score = lambda ages: ((ages - low) / (high - low)).clip(0, 1)
t.log(1, val_auc=0.5)
(t.model / "range.txt").write_text(f"{low} {high}")
off = t.parameters["off"]
t.save(validation=score(validation["ageOFocc"])[off:], test=score(t.features(test).to_pandas()["ageOFocc"]))
'''


def of_trainer(folder: Path, off: int) -> focalsweep.Run:
    (folder / "trainer.py").write_text(TRAINER)
    command: list[Any] = [sys.executable, str(folder / "trainer.py")]
    return focalsweep.sweep(
        CRASH,
        label="dead",
        positive="dead",
        parameters={"trainer": "age", "off": off},
        trainers={"age": {"command": command}},
        out=folder / "run",
        **{key: value for key, value in QUICK.items() if key != "train"},
    )


def test_a_trainer_reads_and_writes(tmp_path: Path) -> None:
    run = of_trainer(tmp_path, 0)
    row = run.results("pandas").iloc[0]
    assert row["state"] == "finished", row["error"]
    assert 0.5 < row["test_auc"] < 1
    assert run.history("pandas")["val_auc"].tolist() == [0.5]
    kept = list((run.path / "trainers").glob("*/model/range.txt"))
    assert len(kept) == 1


def test_scores_of_another_length_are_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning):
        run = of_trainer(tmp_path, 3)
    assert "scores of `validation`, expected" in run.results("pandas").iloc[0]["error"]
