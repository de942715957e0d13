"""Sweeps from frames and files: results, resuming, and what is refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import focalsweep
from conftest import CRASH, QUICK
from focalsweep import InputError, Interrupted, ProgramError, SpecError
from focalsweep._program import program

TWO: dict[str, Any] = {"loss": "focal", "alpha": [0.25, 0.5]}


def figures(run: focalsweep.Run) -> list[dict[str, Any]]:
    return run.results().select(["trial_id", "val_auc", "test_auc", "test_op_fn"]).to_pylist()


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_a_frame_gives_what_its_file_gives(kind: str, crash: pa.Table, run: focalsweep.Run, tmp_path: Path) -> None:
    frame = {"arrow": lambda: crash, "pandas": crash.to_pandas, "polars": lambda: pl.from_arrow(crash)}[kind]()
    of_frame = focalsweep.sweep(frame, label="dead", positive="dead", parameters=TWO, out=tmp_path / "run", **QUICK)
    assert figures(of_frame) == figures(run)
    assert pq.read_table(of_frame.path / "source.parquet").num_rows == crash.num_rows


def test_numbers_of_numpy_and_tuples_are_values(crash: pa.Table, tmp_path: Path) -> None:
    parameters = {"loss": "focal", "gamma": np.array([0.0, 2.0]), "alpha": np.float64(0.5), "hidden": ((8,), ())}
    run = focalsweep.sweep(CRASH, label="dead", positive="dead", parameters=parameters, out=tmp_path / "run", **QUICK)
    assert run.results().num_rows == 4
    assert set(run.results("pandas")["hidden"]) == {"[8]", "[]"}


def test_rows_count_by_a_column(crash: pa.Table, tmp_path: Path) -> None:
    """The figures are scikit-learn's with `sample_weight`."""
    weights = np.random.default_rng(0).gamma(1.0, size=crash.num_rows)
    frame = crash.append_column("weight_of_row", pa.array(weights))
    run = focalsweep.sweep(
        frame, label="dead", positive="dead", weight="weight_of_row", parameters=TWO, out=tmp_path / "run", **QUICK
    )
    results = run.results("pandas")
    scores = pq.read_table(run.path / "scores.parquet").to_pandas()
    assert (scores["weight"].to_numpy() == weights[scores["row"]]).all()
    for row in results.itertuples():
        own = scores[(scores["trial_id"] == row.trial_id) & (scores["split"] == "test")]
        auc = roc_auc_score(own["label"], own["raw"], sample_weight=own["weight"])
        assert row.test_auc == pytest.approx(auc, abs=1e-12)
        caught = own["weight"][(own["label"] == 1) & (own["raw"] >= row.threshold_raw)].sum()
        assert row.test_op_tp == pytest.approx(caught)


def test_every_fault_has_its_path_and_a_hint(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as found:
        focalsweep.sweep(
            CRASH, label="dead", parameters={"loss": "fokal"}, train={"epoch": 3}, out=tmp_path / "run", replicates=0
        )
    faults = {fault.path: fault for fault in found.value.faults}
    assert set(faults) == {"train.epoch", "parameters.loss.value", "replicates"}, faults
    assert faults["train.epoch"].hint.startswith("did you mean `epochs`?")
    assert not (tmp_path / "run").exists()


def test_a_key_that_the_data_do_not_bear_out_is_named(crash: pa.Table, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="did you mean `dead`") as found:
        focalsweep.sweep(crash, label="deadd", parameters=TWO, out=tmp_path / "run", **QUICK)
    assert found.value.path == "data.label"
    assert not (tmp_path / "run").exists(), "nothing is left of a frame that was not trained on"


def test_what_lies_in_the_way_stays(crash: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    for source in (crash, CRASH):
        with pytest.raises(InputError, match="not empty"):
            focalsweep.sweep(source, label="dead", positive="dead", parameters=TWO, out=tmp_path, **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_frames_that_are_none(tmp_path: Path) -> None:
    mixed = pd.DataFrame({"a": [1, "x", 2.5], "y": [0, 1, 0]})
    with pytest.raises(InputError, match="column a"):
        focalsweep.sweep(mixed, label="y", parameters=TWO, out=tmp_path / "run")
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(InputError, match="twice|[Dd]uplicate"):
        focalsweep.sweep(twice, label="a", parameters=TWO, out=tmp_path / "run")
    with pytest.raises(InputError, match="expected a dict"):
        focalsweep.sweep(CRASH, label="dead", parameters=TWO, data=mixed, out=tmp_path / "run")
    with pytest.raises(InputError, match="found object"):
        focalsweep.sweep(CRASH, label="dead", parameters={"loss": object()}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_program_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "focalsweep"
    other.write_text("#!/bin/sh\necho focalsweep 0.0.1\n")
    other.chmod(0o755)
    monkeypatch.setenv("FOCALSWEEP", str(other))
    with pytest.raises(ProgramError, match=r"is focalsweep 0\.0\.1, expected"):
        program()
    monkeypatch.setenv("FOCALSWEEP", str(tmp_path / "none"))
    with pytest.raises(ProgramError, match="FOCALSWEEP is"):
        program()
    monkeypatch.delenv("FOCALSWEEP")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramError, match=r"is focalsweep 0\.0\.1, expected"):
        program()


LONG: dict[str, Any] = {
    "train": {"epochs": 6000, "early_stopping": None, "batch_size": 64},
    "launch": {"devices": "cpu"},
    "operating_point": {"max_fpr": 0.05},
}


def interrupt_when_it_trains(path: Path) -> None:
    """Ctrl-C for the main thread, once a trial is under way."""
    deadline = time.monotonic() + 60
    while not (path / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_leaves_a_run_that_goes_on(crash: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "run"
    # A shell ignores it for what it starts in the background, and so would these tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Thread(target=interrupt_when_it_trains, args=(path,))
    presser.start()
    with pytest.raises(Interrupted) as found:
        focalsweep.sweep(crash, label="dead", positive="dead", parameters=TWO, out=path, **LONG)
    presser.join()
    assert found.value.path == str(path)
    assert focalsweep.Run(path).state == "interrupted"
    # The data went with the directory, so that it may move.
    moved = shutil.move(path, tmp_path / "moved")
    with pytest.raises(InputError, match="holds no run"):
        focalsweep.resume(path)
    run = focalsweep.resume(moved, progress=False)
    assert run.state == "finished" and run.results().num_rows == 2
    assert pc.max(run.history()["epoch"]).as_py() == LONG["train"]["epochs"]


def test_the_program_ends_with_its_python(tmp_path: Path) -> None:
    """A kernel that is killed leaves nothing that trains on."""
    code = f"""
import focalsweep
focalsweep.sweep({str(CRASH)!r}, label="dead", positive="dead", parameters={TWO!r}, out={str(tmp_path / "run")!r},
                 **{LONG!r})
"""
    kernel = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    kernel.kill()
    kernel.wait()
    while time.monotonic() < deadline:
        if focalsweep.Run(tmp_path / "run").state == "interrupted":
            break
        time.sleep(0.1)
    assert focalsweep.Run(tmp_path / "run").state == "interrupted"


def test_trials_that_fail_are_a_warning_and_a_row(crash: pa.Table, tmp_path: Path) -> None:
    parameters = {"loss": "focal", "learning_rate": [1e-3, 1e30]}
    with pytest.warns(UserWarning, match="1 of 2 trainings failed"):
        run = focalsweep.sweep(
            CRASH, label="dead", positive="dead", parameters=parameters, out=tmp_path / "run", **QUICK
        )
    states = run.results("pandas")["state"].value_counts().to_dict()
    assert states == {"finished": 1, "failed": 1}


def test_how_far_it_is_can_be_seen(tmp_path: Path) -> None:
    from focalsweep._training import _how_far

    run = focalsweep.sweep(CRASH, label="dead", positive="dead", parameters=TWO, out=tmp_path / "shown", **QUICK)
    line = _how_far(program(), run.path, 3.2, 0)
    assert line.startswith("shown: 2 of 2 rows, 3 s"), line
    assert "reading the data" in _how_far(program(), tmp_path / "none", 1.0, 0)
