"""A trained model that scores rows, by the program that trained it."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ._frames import Frame, from_stream, library, to_arrow, to_stream
from ._program import call
from .errors import InputError

if TYPE_CHECKING:
    from ._frames import Booleans, Floats


class Model:
    """A model directory, as `Run.model` and `focalsweep export` write it.

    Rows are scored by `focalsweep predict`, to which they go as Arrow streams: imputation, scaling and levels are the
    model's own, and the scores are the program's. A call starts a process (about 30 ms), so score many rows at once.
    `scores` needs pyarrow alone; the others give numpy arrays and need numpy.

    >>> model = run.model()
    >>> model.predict_proba(crash.slice(0, 3)).shape
    (3, 2)
    >>> model.flag(crash.slice(0, 3)).dtype
    dtype('bool')
    """

    def __init__(self, path: str | os.PathLike[str], *, _temporary: bool = False) -> None:
        self.path = Path(path)
        """The model directory."""
        if _temporary:
            weakref.finalize(self, _remove, self.path, os.getpid())
        card = self.path / "model.json"
        if not card.is_file():
            hint = "`Run.model()` and `focalsweep export` write one"
            raise InputError(f"{self.path} is no model directory: it has no model.json", hint)
        self.card: dict[str, Any] = json.loads(card.read_text())
        """model.json: hyperparameters, features, threshold, metrics."""

    @property
    def threshold(self) -> float:
        """Probability from which on a row is flagged, as the operating point put it."""
        return float(self.card["threshold"])

    @property
    def threshold_raw(self) -> float:
        """Logit from which on a row is flagged."""
        return float(self.card["threshold_raw"])

    def scores(self, frame: Frame) -> pa.Table:
        """A row for each row of `frame`: `row`, `raw` (the logit), `score` (the probability), `flagged`,
        `threshold_raw`.

        `frame` needs the columns that the model was trained on, by name; others are passed over. What it has of
        missing values and unknown levels is counted in the metadata of the schema, under `focalsweep`.

        >>> run.model().scores(crash.slice(0, 3)).column_names
        ['row', 'raw', 'score', 'flagged', 'threshold_raw']
        """
        sent = to_stream(to_arrow(frame))
        return from_stream(call("predict", self.path, "-", "--out", "-", "--format", "arrow", sent=sent)[0])

    def predict_proba(self, frame: Frame) -> Floats:
        """Probabilities of the two classes, [rows, 2]; the second column is the rare class.

        Those of focal loss are not calibrated: alpha and gamma shift them.
        """
        np = library("numpy")
        positive = _column(self.scores(frame), "score")
        proba: Floats = np.stack([1.0 - positive, positive], axis=1)
        return proba

    def decision_function(self, frame: Frame) -> Floats:
        """How far each row is above the threshold, as a difference of logits: a row is flagged where it is above 0.

        A row exactly at the threshold is flagged, so it is the least bit above 0.
        """
        np = library("numpy")
        decision: Floats = _column(self.scores(frame), "raw") - np.nextafter(self.threshold_raw, -np.inf)
        return decision

    def flag(self, frame: Frame) -> Booleans:
        """Whether each row is flagged: its logit is at least the threshold."""
        library("numpy")
        flagged: Booleans = self.scores(frame)["flagged"].to_numpy()
        return flagged

    def __repr__(self) -> str:
        return f"Model({str(self.path)!r})"


def _remove(path: Path, process: int) -> None:
    """Removes a folder for temporary files; a process that was forked leaves it to the one that made it."""
    if os.getpid() == process:
        shutil.rmtree(path, ignore_errors=True)


def _column(table: pa.Table, name: str) -> Floats:
    column: Floats = table[name].to_numpy().astype("float64")
    return column
