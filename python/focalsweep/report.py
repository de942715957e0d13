"""The answer of a run: who wins, by what, and whether the difference is real."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ._entries import Claim, Trial
from ._html import report_as_html


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
        return report_as_html(self.sentences, self.warnings, self.ranking)

    @classmethod
    def _read(cls, text: bytes) -> Report:
        return cls(json.loads(text))
