"""Runs in MLflow, Weights & Biases, TensorBoard and Optuna, read back by their own readers."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import focalsweep
from conftest import CRASH, QUICK


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> focalsweep.Run:
    """24 trials, so that importances have something to say."""
    parameters = {"loss": "focal", "alpha": [0.2, 0.4, 0.6, 0.8], "gamma": [0.0, 1.0, 2.0]}
    parameters["learning_rate"] = [1e-4, 1e-2]
    out = tmp_path_factory.mktemp("runs") / "swept"
    return focalsweep.sweep(
        CRASH, label="dead", positive="dead", parameters=parameters, name="swept", out=out, **QUICK
    )


def last_val_auc(run: focalsweep.Run, trial: str) -> list[tuple[int, float]]:
    rows = [row for row in run.history().to_pylist() if row["trial_id"] == trial and row["replicate"] == 0]
    return [(row["epoch"], row["val_auc"]) for row in rows]


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server on loopback, with SQLite."""
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{folder}/runs.db"]
    words += ["--artifacts-destination", str(folder / "artifacts")]
    with open(folder / "log.txt", "w") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 120
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).read()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline, (folder / "log.txt").read_text()[-2000:]
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def test_mlflow(run: focalsweep.Run, mlflow_server: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    from focalsweep.integrations import mlflow

    parent = mlflow.log(run, tracking_uri=mlflow_server)
    client = MlflowClient(mlflow_server)
    experiment = client.get_experiment_by_name("crash")
    found = client.search_runs([experiment.experiment_id])
    children = [one for one in found if one.data.tags.get("mlflow.parentRunId") == parent]
    assert len(found) == 3 and len(children) == 2
    results = {row["trial_id"]: row for row in run.results().to_pylist()}
    for child in children:
        trial = child.data.tags["focalsweep.trial"]
        assert child.info.status == "FINISHED"
        assert float(child.data.params["alpha"]) in (0.25, 0.5)
        assert child.data.metrics["test_auc"] == results[trial]["test_auc"]
        steps = client.get_metric_history(child.info.run_id, "epoch_val_auc")
        assert sorted((step.step, step.value) for step in steps) == last_val_auc(run, trial)
    names = {artifact.path for artifact in client.list_artifacts(parent)}
    assert names == {"answer.txt", "report.html", "sweep.yaml", "model", "onnx"}
    model = focalsweep.Model(client.download_artifacts(parent, "model", str(tmp_path)))
    assert model.threshold == run.model().threshold
    assert client.get_run(parent).data.tags["focalsweep.winner"] == run.best.id
    check_mlflow_model(model, client.download_artifacts(parent, "onnx", str(tmp_path)))
    mlflow.log(run, tracking_uri=mlflow_server)
    assert len(client.search_runs([experiment.experiment_id])) == 6


def check_mlflow_model(model: focalsweep.Model, path: str) -> None:
    """A frame goes in as it is in the data, gaps in text as "", and arrays come out with the scores of the model."""
    import mlflow.pyfunc
    import pandas as pd

    served = mlflow.pyfunc.load_model(path)
    frame = pd.read_parquet(CRASH).head(200)
    wanted = served.metadata.get_input_schema()
    text = {spec.name for spec in wanted.inputs if spec.type.kind in "OU"}
    assert text and set(wanted.input_names()) - text
    columns = {
        name: frame[name].astype(object).fillna("") if name in text else frame[name].astype(float)
        for name in wanted.input_names()
    }
    found = served.predict(pd.DataFrame(columns))
    expected = model.predict_proba(frame)[:, 1]
    assert list(found) == served.metadata.get_output_schema().input_names()
    assert abs(found["score"].ravel() - expected).max() < 1e-6
    assert (found["flagged"].ravel() == model.flag(frame)).all()


def test_wandb_offline(run: focalsweep.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    from focalsweep.integrations import wandb

    ids = wandb.log(run, mode="offline", dir=str(tmp_path))
    assert len(ids) == 3
    records = {path.name: read_wandb(path) for path in tmp_path.glob("wandb/offline-run-*/run-*.wandb")}
    assert {f"run-{one}.wandb" for one in ids} == set(records)
    results = {row["trial_id"]: row for row in run.results().to_pylist()}
    for one in ids[1:]:
        config, history, summary = records[f"run-{one}.wandb"]
        trial = config["trial_id"]
        assert config["alpha"] in (0.25, 0.5) and summary["test_auc"] == results[trial]["test_auc"]
        assert [(row["_step"], row["val_auc"]) for row in history] == last_val_auc(run, trial)
    _, _, summary = records[f"run-{ids[0]}.wandb"]
    assert summary["winner"] == run.best.id


def read_wandb(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Config, history and summary of an offline run, from the records that `wandb sync` would send."""
    from wandb.proto import wandb_internal_pb2

    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    history = []
    for data in log_records(path.read_bytes()):
        record = wandb_internal_pb2.Record.FromString(data)
        for item in [*record.run.config.update, *record.config.update]:
            config[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
        for item in [*record.summary.update, *record.run.summary.update]:
            summary[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
        if record.history.item:
            row = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            history.append({"_step": record.history.step.num, **row})
    return config, history, summary


def log_records(log: bytes) -> Iterator[bytes]:
    """Records of a log of LevelDB, which wandb keeps runs in: blocks of 32 KiB, after a header of 7 bytes."""
    at, whole = 7, b""
    while at + 7 <= len(log):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", log, at)
        if kind == 0:
            break
        whole += log[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last piece
            yield whole
            whole = b""


def test_tensorboard(run: focalsweep.Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    from focalsweep.integrations import tensorboard

    folder = tensorboard.log(run, tmp_path / "logs")
    found = run.results().to_pylist()
    for row in found:
        events = EventAccumulator(str(folder / f"{row['trial_id'][:8]}-r0")).Reload()
        assert abs(events.Scalars("test_auc")[0].value - row["test_auc"]) < 1e-6
        steps = {event.step: event.value for event in events.Scalars("epoch/val_auc")}
        assert steps == pytest.approx(dict(last_val_auc(run, row["trial_id"])))
        content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
        assert start.hparams["alpha"].number_value == row["alpha"]
    whole = EventAccumulator(str(folder)).Reload()
    content = whole.summary_metadata["_hparams_/experiment"].plugin_data.content
    experiment = plugin_data_pb2.HParamsPluginData.FromString(content).experiment
    assert "alpha" in {info.name for info in experiment.hparam_infos}
    assert "test_auc" in {info.name.tag for info in experiment.metric_infos}


def test_optuna(swept: focalsweep.Run, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    from focalsweep.integrations import optuna as ours

    study = ours.study(swept, storage=f"sqlite:///{tmp_path}/study.db")
    assert len(study.trials) == 24 and study.direction.name == "MAXIMIZE"
    means = {trial.id: trial.metrics["val_auc"] for trial in swept.report().ranking}
    assert {trial.user_attrs["trial_id"]: trial.value for trial in study.trials} == means
    assert study.best_value == max(means.values())
    importances = optuna.importance.get_param_importances(study)
    assert set(importances) >= {"alpha", "gamma", "learning_rate"}
    assert max(importances, key=importances.__getitem__) == "learning_rate", importances
    distribution = study.trials[0].distributions["learning_rate"]
    assert (distribution.low, distribution.high, distribution.log) == (1e-4, 1e-2, True)
    fewest = ours.study(swept, "op_fn", "test")
    assert fewest.direction.name == "MINIMIZE"
    assert fewest.best_value == min(trial.metrics["test_op_fn"] for trial in swept.report().ranking)
