"""A run in Weights & Biases: a run of theirs for each trial on each replicate, grouped by the sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import wandb

from ..run import Run
from ._trials import COLUMNS, plain, rows


def log(run: Run, project: str | None = None, **settings: Any) -> list[str]:
    """Logs a run, and gives the ids of their runs, the sweep's own first.

    `project` is named after the sweep unless given; `settings` go to `wandb.init`, such as `entity`, `mode="offline"`
    and `dir`. The first run, of type `sweep`, has the winner's figures as its summary, the ranking as a table, and
    report.html and sweep.yaml as an artifact; each other one has the parameters of its trial as `config`, a step for
    each epoch, and its figures as the summary.
    """
    common: dict[str, Any] = {"project": project or run.name, "group": run.name, **settings}
    common.setdefault("reinit", "finish_previous")
    report = run.report()
    first = wandb.init(**common, name=run.name, job_type="sweep", config={"trials": len(report.ranking)})
    ids = [first.id]
    with first:
        if report.winner:
            first.summary.update({name: value for name, value in report.winner.metrics.items() if value is not None})
            first.summary["winner"] = report.winner.id
        first.summary["answer"] = str(report)
        parameters = list(dict.fromkeys(name for trial in report.ranking for name in trial.parameters))
        table = wandb.Table(columns=["rank", "trial_id", "tied", *parameters, "val_auc", "test_auc"])
        for trial in report.ranking:
            cells = [plain(trial.parameters.get(name, "")) for name in parameters]
            figures = [trial.metrics.get(name) for name in ("val_auc", "test_auc")]
            table.add_data(trial.rank, trial.id, trial.tied, *map(str, cells), *figures)
        first.log({"ranking": table})
        artifact = wandb.Artifact(f"{run.name}-report", type="report")
        for path in (run.path / name for name in ("report.html", "sweep.yaml")):
            if Path(path).is_file():
                artifact.add_file(str(path))
        first.log_artifact(artifact)
    for row in rows(run):
        config = {name: plain(value) for name, value in row.parameters.items() if value is not None}
        config |= {"replicate": row.replicate, "trial_id": row.trial}
        with wandb.init(**common, name=row.name, job_type="trial", config=config) as logged:
            ids.append(logged.id)
            for epoch in row.history:
                logged.log({name: epoch[name] for name in COLUMNS if epoch[name] is not None}, step=epoch["epoch"])
            logged.summary.update({**row.metrics, "state": row.state})
    return ids
