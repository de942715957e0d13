"""A run as a study of Optuna, so that its importances, plots and dashboard work on it."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from ..run import Run
from ._trials import plain, rows

_LOWER = {"fn", "fp", "op_fn", "op_fp", "cost", "loss", "brier", "epochs_run", "fpr", "op_fpr"}
"""Metrics of which less is better."""


def study(run: Run, metric: str = "auc", on: str = "validation", **settings: Any) -> optuna.Study:
    """A study with every trial of the search that finished; its value is the mean of `metric` over the replicates.

    `metric` is named as rank keys are (`auc`, `op_fn` …), `on` whose rows it is of. `settings` go to
    `optuna.create_study`, such as `storage` and `study_name`. What a trial does not read it does not have. Mean
    figures and the id stand in `user_attrs`; figures of the epochs, of one replicate, are intermediate values.
    """
    direction = "minimize" if metric in _LOWER else "maximize"
    made = optuna.create_study(**{"study_name": run.name, "direction": direction, **settings})
    column = f"{'val' if on == 'validation' else 'test'}_{metric}"
    trials = [trial for trial in run.report().ranking if trial.metrics.get(column) is not None]
    first = {row.trial: row for row in reversed(list(rows(run)))}
    distributions = _distributions([dict(trial.parameters) for trial in trials])
    for trial in sorted(trials, key=lambda trial: first[trial.id].started_at):
        values = {name: _word(value) for name, value in trial.parameters.items() if name in distributions}
        values = {name: value for name, value in values.items() if value is not None}
        epochs = {epoch["epoch"]: epoch["val_auc"] for epoch in first[trial.id].history if epoch["val_auc"] is not None}
        made.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=trial.metrics[column],
                params=values,
                distributions={name: distributions[name] for name in values},
                intermediate_values=epochs if metric == "auc" else {},
                user_attrs={"trial_id": trial.id, "rank": trial.rank, **trial.metrics},
            )
        )
    return made


def _distributions(trials: list[dict[str, Any]]) -> dict[str, BaseDistribution]:
    """Of each parameter that several values were tried of: a range of numbers, or choices."""
    found: dict[str, BaseDistribution] = {}
    for name in dict.fromkeys(name for trial in trials for name in trial):
        values = sorted({_word(trial[name]) for trial in trials if trial.get(name) is not None}, key=str)
        if not values:
            continue
        if any(isinstance(value, (str, bool)) for value in values):
            found[name] = CategoricalDistribution(values)
        elif all(isinstance(value, int) for value in values):
            found[name] = IntDistribution(min(values), max(values))
        else:
            low, high = float(min(values)), float(max(values))
            found[name] = FloatDistribution(low, high, log=name == "learning_rate" and low > 0)
    return found


def _word(value: Any) -> Any:
    return None if value is None else plain(value)
