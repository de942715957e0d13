"""What a report has a list of: trials and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
