"""What a notebook shows of a report: the answer and the table. No scripts, no styles of its own but spacing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from ._entries import Trial

_ROWS = 20
"""Trials that are shown."""
_METRICS = {
    "val_auc": "AUC, validation",
    "test_auc": "AUC, test",
    "test_average_precision": "average precision, test",
    "test_op_fn": "missed, test",
    "test_op_fp": "false alarms, test",
}


def report_as_html(sentences: list[str], warnings: list[str], ranking: list[Trial]) -> str:
    """Sentences, warnings and a table; every word that comes from data is escaped."""
    parts = [f"<p>{escape(sentence)}</p>" for sentence in sentences]
    parts += [f"<p><strong>Warning:</strong> {escape(warning)}</p>" for warning in warnings]
    shown = ranking[:_ROWS]
    if shown:
        parts.append(_table(shown))
    left = len(ranking) - len(shown)
    notes = ["≈ cannot be told from the first; missed and false alarms at the operating point"]
    notes += [f"{left} more trials are in `.ranking`"] if left else []
    return f'<div style="max-width: 60em">{"".join(parts)}<p><small>{escape("; ".join(notes))}</small></p></div>'


def _table(trials: list[Trial]) -> str:
    swept = _swept(trials)
    heads = ["", *swept, *(_METRICS[name] for name in _METRICS)]
    rows = []
    for trial in trials:
        cells: list[Any] = [f"{trial.rank}{' ≈' if trial.tied else ''}"]
        cells += [trial.parameters.get(name) for name in swept]
        cells += [_number(trial.metrics.get(name)) for name in _METRICS]
        rows.append("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _swept(trials: list[Trial]) -> list[str]:
    """Parameters in which these trials differ; of one trial, all that it reads."""
    names = dict.fromkeys(name for trial in trials for name in trial.parameters)
    return [name for name in names if len(trials) == 1 or _differ(trial.parameters.get(name) for trial in trials)]


def _differ(values: Iterable[Any]) -> bool:
    return len({repr(value) for value in values}) > 1


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:,.1f}"


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
