"""A run directory: its tables, its answer, its models."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa
import pyarrow.parquet as pq

from ._entries import Trial
from ._frames import Kind, given
from ._program import call
from .errors import InputError
from .model import Model
from .report import Report

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Split = Literal["validation", "test"]
"""Whose metrics rank."""
Order = Literal["keys", "front"]
"""What comes before what in a ranking."""


class Run:
    """A run directory, as `sweep` gives it and as `focalsweep run` writes it. It is read, never changed.

    Tables are `pyarrow.Table` unless another frame is asked for: `run.results("pandas")`, `run.results("polars")`.
    The columns stand in docs/run-directory.md.

    >>> run.results().num_rows, run.history().column_names[:4]
    (2, ['trial_id', 'replicate', 'phase', 'epoch'])
    >>> Run("nowhere")
    Traceback (most recent call last):
    focalsweep.errors.InputError: nowhere is no run directory: it has no manifest.json
      hint: name the directory that `focalsweep run` printed, such as runs/focal
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        """The run directory."""
        if not (self.path / "manifest.json").is_file():
            hint = "name the directory that `focalsweep run` printed, such as runs/focal"
            raise InputError(f"{self.path} is no run directory: it has no manifest.json", hint)

    @property
    def manifest(self) -> dict[str, Any]:
        """manifest.json as it stands now: state, counts, fingerprints."""
        found: dict[str, Any] = json.loads((self.path / "manifest.json").read_text())
        return found

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return str(self.manifest["name"])

    @property
    def state(self) -> str:
        """`running`, `interrupted` or `finished`."""
        return str(self.manifest["state"])

    @overload
    def results(self, frame: Literal["arrow"] = "arrow") -> pa.Table: ...
    @overload
    def results(self, frame: Literal["pandas"]) -> pd.DataFrame: ...
    @overload
    def results(self, frame: Literal["polars"]) -> pl.DataFrame: ...
    def results(self, frame: Kind = "arrow") -> Any:
        """A row for each (trial, replicate): parameters, metrics, where and how long."""
        return self._table("results", frame)

    @overload
    def history(self, frame: Literal["arrow"] = "arrow") -> pa.Table: ...
    @overload
    def history(self, frame: Literal["pandas"]) -> pd.DataFrame: ...
    @overload
    def history(self, frame: Literal["polars"]) -> pl.DataFrame: ...
    def history(self, frame: Kind = "arrow") -> Any:
        """A row for each epoch of each (trial, replicate)."""
        return self._table("history", frame)

    @overload
    def scores(self, frame: Literal["arrow"] = "arrow") -> pa.Table: ...
    @overload
    def scores(self, frame: Literal["pandas"]) -> pd.DataFrame: ...
    @overload
    def scores(self, frame: Literal["polars"]) -> pl.DataFrame: ...
    def scores(self, frame: Kind = "arrow") -> Any:
        """Scores of the validation and test rows of each (trial, replicate)."""
        return self._table("scores", frame)

    def _table(self, name: str, frame: Kind) -> Any:
        path = self.path / f"{name}.parquet"
        if not path.is_file():
            hint = "a run has its tables when it ends or is interrupted; `.report()` shows what there is before that"
            raise InputError(f"{self.path} has no {path.name} yet: it is {self.state}", hint)
        return given(pq.read_table(path), frame)

    def report(
        self,
        *,
        by: str | list[str] | None = None,
        on: Split | None = None,
        order: Order | None = None,
        operating_point: str | dict[str, float] | None = None,
        top: int | None = None,
    ) -> Report:
        """Ranks the trials, as `focalsweep report` does: nothing is trained.

        `by` are the rank keys (`["auc", "op_fn"]`), `on` whose metrics rank, `order` what comes before what (`"keys"`, or
        `"front"` for fronts first), `operating_point` the rule that puts the threshold (`{"max_fpr": 0.01}`, or
        `"max_fpr=0.01"`), each as the sweep file says unless given; `top` is how many trials the ranking has, all
        unless given.

        >>> run.report(by="op_fn", operating_point={"max_alerts_per_1000": 20}).winner.rank
        1
        """
        words = self._asked(by, on, order, operating_point)
        if top is not None:
            words += ["--top", str(top)]
        return Report._read(call("report", self.path, "--format", "json", *words)[0])

    def page(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        by: str | list[str] | None = None,
        on: Split | None = None,
        order: Order | None = None,
        operating_point: str | dict[str, float] | None = None,
        open: bool = False,
    ) -> Path:
        """Path of the report as one HTML page, which needs no network; `open` shows it in the browser.

        It is the run's own report.html where nothing is asked for, else a new file: `out`, or one in the folder for
        temporary files.

        >>> run.page().name
        'report.html'
        """
        words = self._asked(by, on, order, operating_point)
        path = self.path / "report.html"
        if out is not None or words or not path.is_file():
            path = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="focalsweep-")) / "report.html"
            call("report", self.path, "--html", path, *words)
        if open:
            webbrowser.open(path.absolute().as_uri())
        return path

    @staticmethod
    def _asked(
        by: str | list[str] | None,
        on: Split | None,
        order: Order | None,
        operating_point: str | dict[str, float] | None,
    ) -> list[str]:
        words = []
        if by is not None:
            words += ["--by", by if isinstance(by, str) else ",".join(by)]
        if on is not None:
            words += ["--on", on]
        if order is not None:
            words += ["--order", order]
        if operating_point is not None:
            if not isinstance(operating_point, str):
                operating_point = ",".join(f"{key}={value!r}" for key, value in operating_point.items())
            words += ["--operating-point", operating_point]
        return words

    @property
    def best(self) -> Trial:
        """The trial that the report ranks first.

        >>> run.best.parameters["loss"]
        'focal'
        """
        winner = self.report(top=1).winner
        if winner is None:
            raise InputError(f"no trial of {self.path} has ended", "`focalsweep.resume(…)` goes on with it")
        return winner

    def model(
        self, trial: str | Trial = "best", replicate: int | None = None, *, out: str | os.PathLike[str] | None = None
    ) -> Model:
        """A trained model with its preprocessing and threshold, exported from the run.

        `trial` is `best`, a trial of a report, or an id, of which 4 characters or more are enough; `replicate` the
        first that finished unless given. It lies in `out`, a new directory, or in one for temporary files that goes
        with the model.

        >>> 0 < run.model().threshold < 1
        True
        """
        words = ["--trial", trial.id if isinstance(trial, Trial) else trial]
        if replicate is not None:
            words += ["--replicate", str(replicate)]
        if out is not None:
            call("export", self.path, *words, "--out", out)
            return Model(out)
        folder = Path(tempfile.mkdtemp(prefix="focalsweep-"))
        try:
            call("export", self.path, *words, "--out", folder)
            return Model(folder, _temporary=True)
        except BaseException:
            shutil.rmtree(folder)
            raise

    def ensemble(self, replicate: int | None = None, *, out: str | os.PathLike[str] | None = None) -> Model:
        """The average of the best trials (docs/report.md says when it is worth anything)."""
        return self.model("ensemble", replicate, out=out)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()
