"""The answer of a run: who wins, by what, and whether the difference is real."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ._html import report_as_html


@dataclass(frozen=True)
class Trial:
    """A trial of a ranking.

    `metrics` are means over the replicates under the columns of results.parquet (`val_auc`, `test_op_fn` …),
    `intervals` their 95 % intervals where there are any. `tied`: it cannot be told from the winner; None where nothing
    tells trials apart.
    """

    id: str
    rank: int
    front: int
    tied: bool | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float] | None]

    @classmethod
    def _of(cls, found: Mapping[str, Any]) -> Trial:
        intervals = {key: tuple(ends) if ends else None for key, ends in (found.get("intervals") or {}).items()}
        return cls(
            id=found["trial_id"],
            rank=found["rank"],
            front=found["front"],
            tied=found["tied_with_best"],
            parameters=found["parameters"],
            metrics=found["metrics"],
            intervals=intervals,
        )


@dataclass(frozen=True)
class Claim:
    """What is claimed of the trial `of` against the trial `against`, on the same rows.

    `difference` is `of` less `against`, `interval` its 95 % interval, `p` two-sided and corrected as `corrected_for`
    says; `told` is whether it is below 0.05. `kind`: `models` (these, on other rows), `settings` (trained afresh) or
    `classifiers` (as deployed). `positives` are those of a replicate, on average.
    """

    about: str
    kind: str
    split: str
    of: str
    against: str
    difference: float | None
    interval: tuple[float, float] | None
    standard_error: float | None
    p: float | None
    told: bool
    corrected_for: str
    replicates: int
    positives: float

    @classmethod
    def _of(cls, found: Mapping[str, Any]) -> Claim:
        fields: dict[str, Any] = {key: found.get(key) for key in cls.__dataclass_fields__}
        fields["interval"] = tuple(fields["interval"]) if fields["interval"] else None
        return cls(**fields)


class Report:
    """What `focalsweep report` says of a run. `data` is its JSON as it came (docs/report.md).

    >>> report = run.report()
    >>> report.winner.rank, report.winner.id == report.ranking[0].id
    (1, True)
    >>> report.sentences[0].startswith("Decision: deploy"), report.decision["outcome"]
    (True, 'equal enough')
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    @property
    def winner(self) -> Trial | None:
        """The trial that ranks first; None where no trial ended."""
        found = self.data["winner"]
        return Trial._of(found) if found else None

    @cached_property
    def ranking(self) -> list[Trial]:
        """All trials, the best first."""
        return [Trial._of(found) for found in self.data["ranking"]]

    @cached_property
    def claims(self) -> list[Claim]:
        """Every claim; sentences and marks come from here."""
        return [Claim._of(found) for found in self.data["claims"]]

    @property
    def decision(self) -> dict[str, Any] | None:
        """What to deploy, as docs/report.md has it; None where nothing was compared."""
        found: dict[str, Any] | None = self.data.get("decision")
        return found

    @property
    def sentences(self) -> list[str]:
        """The answer in words."""
        return list((self.data.get("answer") or {}).get("sentences", []))

    @property
    def warnings(self) -> list[str]:
        """What is to be looked at before the answer is believed."""
        return list(self.data["warnings"])

    def __str__(self) -> str:
        return "\n".join([*self.sentences, *(f"warning: {warning}" for warning in self.warnings)])

    def __repr__(self) -> str:
        return f"<Report of {len(self.ranking)} trials>\n{self}"

    def _repr_html_(self) -> str:
        return report_as_html(self)

    @classmethod
    def _read(cls, text: bytes) -> Report:
        return cls(json.loads(text))
