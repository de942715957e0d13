"""What every tracker wants of a run: its trials with parameters, figures and history."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..run import Run

COLUMNS = ("train_loss", "val_loss", "val_auc", "learning_rate")
"""Columns of history.parquet that are figures of an epoch."""


@dataclass
class Row:
    """A trial on a replicate."""

    trial: str
    replicate: int
    state: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    started_at: Any
    finished_at: Any
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.trial[:8]}-r{self.replicate}"


def rows(run: Run) -> Iterator[Row]:
    """Those of the search, in the order of results.parquet."""
    table = run.results().to_pylist()
    parameters = {trial.id: dict(trial.parameters) for trial in run.report().ranking}
    history: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for epoch in run.history().to_pylist():
        history.setdefault((epoch["trial_id"], epoch["replicate"]), []).append(epoch)
    for found in table:
        if found["phase"] != "search":
            continue
        key = (found["trial_id"], found["replicate"])
        metrics = {name: float(value) for name, value in found.items() if _is_figure(name, value)}
        yield Row(
            *key,
            state=found["state"],
            parameters=parameters.get(key[0], {}),
            metrics=metrics,
            started_at=found["started_at"],
            finished_at=found["finished_at"],
            history=sorted(history.get(key, []), key=lambda epoch: epoch["epoch"]),
        )


def _is_figure(name: str, value: Any) -> bool:
    wanted = name.startswith(("train_", "val_", "test_")) or name in ("epochs_run", "best_epoch", "threshold")
    return wanted and isinstance(value, (int, float)) and math.isfinite(value)


def plain(value: Any) -> str | int | float | bool:
    """A parameter as trackers take them: lists as text."""
    return value if isinstance(value, (str, int, float, bool)) else str(value)
