"""A run for TensorBoard: scalars of each epoch, and HParams of each trial on each replicate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import summary_v2 as api  # `api` itself needs TensorFlow
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from ..run import Run
from ._trials import COLUMNS, Row, plain, rows

_SHOWN = ("val_auc", "test_auc", "test_average_precision", "test_op_fn", "test_op_fp")
"""Figures of the HParams table."""


def log(run: Run, logdir: str | os.PathLike[str] | None = None) -> Path:
    """Writes event files below `logdir` (`tensorboard/` of the run directory unless given), and gives that folder.

    `tensorboard --logdir DIR` shows the epochs under SCALARS and the trials under HPARAMS.
    """
    folder = Path(logdir) if logdir is not None else run.path / "tensorboard"
    found = list(rows(run))
    with _Writer(folder) as writer:
        writer.summary(0, _experiment(found))
    for row in found:
        with _Writer(folder / row.name) as writer:
            hparams = {name: plain(value) for name, value in row.parameters.items() if value is not None}
            writer.summary(0, api.hparams_pb({**hparams, "replicate": row.replicate}, trial_id=row.name))
            for epoch in row.history:
                for name in COLUMNS:
                    if epoch[name] is not None:
                        writer.scalar(epoch["epoch"], f"epoch/{name}", epoch[name])
            for name, value in row.metrics.items():
                writer.scalar(row.history[-1]["epoch"] if row.history else 0, name, value)
    return folder


def _experiment(found: list[Row]) -> Any:
    """What the HParams table has columns for."""
    names = dict.fromkeys(name for row in found for name in row.parameters)
    values = {name: {plain(row.parameters.get(name)) for row in found} - {"None"} for name in names}
    hparams = [api.HParam(name, _domain(of)) for name, of in values.items() if of]
    hparams.append(api.HParam("replicate", api.Discrete(sorted({row.replicate for row in found}))))
    return api.hparams_config_pb(hparams, [api.Metric(name) for name in _SHOWN])


def _domain(values: set[Any]) -> Any:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return api.Discrete(sorted(float(value) for value in values))
    return api.Discrete(sorted(map(str, values)))


class _Writer:
    """An event file of one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = EventFileWriter(str(folder))

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def summary(self, step: int, summary: Any) -> None:
        self._file.add_event(Event(step=step, summary=summary))

    def scalar(self, step: int, name: str, value: float) -> None:
        self.summary(step, Summary(value=[Summary.Value(tag=name, simple_value=float(value))]))
