"""A run as runs of MLflow: one for the sweep, below it one for each trial on each replicate."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from ..run import Run
from ._mlflow_onnx import log_onnx
from ._trials import COLUMNS, Row, plain, rows

_BATCH = 900
"""Metrics of a request; servers take 1,000 entries at most."""


def log(run: Run, experiment: str | None = None, *, tracking_uri: str | None = None) -> str:
    """Logs a run to the tracking server, and gives the id of the parent run.

    `experiment` is named after the sweep unless given. The parent has the winner's parameters and mean metrics, the
    answer in words (`answer.txt`), report.html, sweep.yaml, the winner's model directory under `model/`, and under
    `onnx/` the same as an MLflow model with a signature (`mlflow.pyfunc.load_model`), where the package onnx is
    installed and no command of yours trained it; a child has the figures of its training, with those of each epoch
    as steps.
    """
    client = MlflowClient(tracking_uri)
    named = experiment or run.name
    found = client.get_experiment_by_name(named)
    place = found.experiment_id if found else client.create_experiment(named)
    report = run.report()
    parent = client.create_run(place, run_name=run.name).info.run_id
    if report.winner:
        params = [Param(key, str(plain(value))) for key, value in report.winner.parameters.items() if value is not None]
        now = int(time.time() * 1000)
        metrics = [Metric(key, value, now, 0) for key, value in report.winner.metrics.items() if value is not None]
        client.log_batch(parent, metrics=metrics, params=params, tags=[RunTag("focalsweep.winner", report.winner.id)])
    client.log_text(parent, str(report), "answer.txt")
    for name in ("report.html", "sweep.yaml"):
        if (run.path / name).is_file():
            client.log_artifact(parent, str(run.path / name))
    if report.winner:
        _log_model(client, parent, run)
    for row in rows(run):
        _log_row(client, place, parent, row)
    client.set_terminated(parent)
    return str(parent)


def _log_model(client: MlflowClient, parent: str, run: Run) -> None:
    model = run.model()
    with tempfile.TemporaryDirectory(prefix="focalsweep-") as folder:
        copy = shutil.copytree(model.path, Path(folder) / "model")
        client.log_artifacts(parent, str(copy), "model")
    log_onnx(client, parent, run)


def _log_row(client: MlflowClient, place: str, parent: str, row: Row) -> None:
    tags = {"mlflow.parentRunId": parent, "focalsweep.trial": row.trial, "focalsweep.replicate": str(row.replicate)}
    started = _milliseconds(row.started_at)
    child = client.create_run(place, start_time=started, tags=tags, run_name=row.name).info.run_id
    params = [Param(key, str(plain(value))) for key, value in row.parameters.items() if value is not None]
    client.log_batch(child, params=[*params, Param("replicate", str(row.replicate))])
    ended = _milliseconds(row.finished_at) or started or 0
    metrics = [Metric(name, value, ended, 0) for name, value in row.metrics.items()]
    # Of an epoch under names of their own: the figures of the best epoch are those above.
    for epoch in row.history:
        figures = {name: epoch[name] for name in COLUMNS if epoch[name] is not None}
        metrics += [Metric(f"epoch_{name}", value, ended, epoch["epoch"]) for name, value in figures.items()]
    for batch in _batches(metrics):
        client.log_batch(child, metrics=batch)
    status = "FAILED" if row.state == "failed" else "FINISHED"
    client.set_terminated(child, status, end_time=ended)


def _batches(metrics: list[Any]) -> Iterable[list[Any]]:
    return (metrics[at : at + _BATCH] for at in range(0, len(metrics), _BATCH))


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
