"""What tests and doctests share: the crash data, a folder, and a run of two trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import focalsweep

ROOT = Path(__file__).parents[1]
CRASH = ROOT / "data" / "crash.parquet"
QUICK: dict[str, Any] = {"train": {"epochs": 2}, "operating_point": {"max_fpr": 0.05}, "launch": {"devices": "cpu"}}


@pytest.fixture(scope="session")
def crash() -> pa.Table:
    return pq.read_table(CRASH)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> focalsweep.Run:
    """Two trials, two epochs, on the crash data."""
    return focalsweep.sweep(
        CRASH,
        label="dead",
        positive="dead",
        parameters={"loss": "focal", "alpha": [0.25, 0.5]},
        name="crash",
        out=tmp_path_factory.mktemp("runs") / "crash",
        **QUICK,
    )


@pytest.fixture(autouse=True)
def _names(request: pytest.FixtureRequest) -> Iterator[None]:
    """Names that docstrings use."""
    if isinstance(request.node, pytest.DoctestItem):
        space = request.getfixturevalue("doctest_namespace")
        for name in ("crash", "run"):
            space[name] = request.getfixturevalue(name)
        space["folder"] = request.getfixturevalue("tmp_path")
    yield
