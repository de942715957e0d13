"""What lies between scikit-learn's arrays and the program's tables, for `focalsweep.sklearn`."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from joblib import effective_n_jobs
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils.validation import check_consistent_length

from ._frames import is_frame, to_arrow
from .errors import Fault, InputError
from .model import Model

if TYPE_CHECKING:
    from ._frames import Floats

PARTS: Mapping[str, list[str]] = {"train": ["train"], "validation": ["validation"], "test": ["test"]}
"""Values of the column that says which part a row is of."""

_count = itertools.count()


def has_columns(X: Any) -> bool:
    """Whether it is a frame, whose columns have types of their own."""
    return is_frame(X) and hasattr(X, "shape")


def of_frame(X: Any) -> pa.Table:
    """Columns `x0`, `x1` … of a frame: numbers, booleans and text."""
    table = to_arrow(X)
    columns = [_column(table[at].combine_chunks(), str(name)) for at, name in enumerate(table.column_names)]
    return _table(columns, table.num_rows)


def of_array(X: Any) -> pa.Table:
    """The same of an array with two axes."""
    columns = []
    for at in range(X.shape[1]):
        values = X[:, at]
        if values.dtype.kind == "f":
            values = values.astype(np.float64)
        try:
            column = pa.array(values.tolist() if values.dtype.kind in "OSU" else values, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as why:
            raise ValueError(f"column {at}: {why}: expected values of one type, numbers or text") from why
        columns.append(_column(column, str(at)))
    return _table(columns, X.shape[0])


def _table(columns: list[Any], rows: int) -> pa.Table:
    if not columns:
        raise ValueError(f"0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
    return pa.table(columns, names=[f"x{at}" for at in range(len(columns))])


def _column(column: Any, name: str) -> Any:
    kind = column.type
    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_floating(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float64())
        if pc.any(pc.is_inf(column)).as_py():
            raise ValueError(f"Input X contains infinity, in column {name}")
        return column
    if pa.types.is_dictionary(kind) and not pa.types.is_large_string(words) and not pa.types.is_string(words):
        return column.dictionary_decode().cast(pa.string()).dictionary_encode()
    if pa.types.is_string(words) or pa.types.is_large_string(words):
        # A category: digits are names, not numbers.
        return column if pa.types.is_dictionary(kind) else column.dictionary_encode()
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        return column
    hint = "make features of times first, such as the hour and the weekday" if pa.types.is_temporal(kind) else ""
    raise InputError(f"column {name} is {kind}, expected numbers, text, categories or booleans", hint)


def weighed(rows: pa.Table, y: Any, groups: Any, weights: Any) -> tuple[pa.Table, Any, Any, Floats]:
    """Rows, classes, groups and weights of the rows that weigh anything."""
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(len(y), weights)
    if weights.ndim != 1:
        raise ValueError(f"sample_weight has {weights.ndim} axes, expected one number for each row")
    check_consistent_length(y, weights)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("sample_weight has a negative number or one that is not finite, expected numbers of at least 0")
    kept = weights > 0
    if not kept.any():
        raise ValueError("every sample_weight is zero: at least one row has to weigh something")
    if groups is not None:
        check_consistent_length(y, groups)
        groups = np.asarray(groups)[kept]
    return rows.filter(pa.array(kept)), y[kept], groups, weights[kept]


def parts(positive: Any, groups: Any, share: float, random: Any) -> Any:
    """Which rows train and which choose: both have rows of both classes, groups are kept together."""
    if not 0 < share < 1:
        raise ValueError(f"validation is {share!r}, expected a share above 0 and below 1")
    chosen = np.full(len(positive), "train", dtype=object)
    counts = np.bincount(positive, minlength=2)
    if counts.min() < 2:
        raise ValueError(f"a class has 1 row of {counts.sum()}, expected 2 or more: one trains, one chooses")
    if groups is not None:
        check_consistent_length(positive, groups)
        chosen[_of_groups(positive, np.asarray(groups), share, random)] = "validation"
        return chosen
    for of_class in (0, 1):
        rows = random.permutation(np.flatnonzero(positive == of_class))
        chosen[rows[: int(np.clip(round(share * len(rows)), 1, len(rows) - 1))]] = "validation"
    return chosen


def _of_groups(positive: Any, groups: Any, share: float, random: Any) -> Any:
    """Rows of the groups that choose: the first fold that leaves both classes on both sides."""
    most = min(len(np.unique(groups)), int(np.bincount(positive, minlength=2).min()))
    for folds in range(min(max(round(1 / share), 2), most), 1, -1):
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=random.randint(2**31 - 1))
        for train, choose in split.split(positive, positive, groups):
            if len(np.unique(positive[train])) == len(np.unique(positive[choose])) == 2:
                return choose
    raise ValueError("no group can be set aside so that both sides have both classes: expected more groups")


def with_parts(
    rows: pa.Table, positive: Any, parts: Any, weights: Floats | None = None
) -> tuple[pa.Table, str, str, str | None]:
    """The rows with label, part and weight if any, and the names of these.

    The program asks for test rows. None are needed here, so a copy of one row of each class stands for them: they
    train nothing, choose nothing, and their figures are not looked at.
    """
    label, part, weight = "y", "part", None
    if weights is not None:
        weight = "sample_weight"
        rows = rows.append_column(weight, pa.array(weights))
    table = rows.append_column(label, pa.array(positive)).append_column(part, pa.array(parts, pa.string()))
    of_test = table.take([int(np.argmax(positive == 0)), int(np.argmax(positive == 1))])
    of_test = of_test.set_column(of_test.num_columns - 1, part, pa.array(["test", "test"]))
    return pa.concat_tables([table, of_test], promote_options="permissive").unify_dictionaries(), label, part, weight


@contextlib.contextmanager
def cores(n_jobs: int | None) -> Iterator[None]:
    """Processes that are started within train on so many cores: they inherit where this thread may run."""
    free = sorted(os.sched_getaffinity(0))
    wanted = min(effective_n_jobs(n_jobs), len(free))
    first = os.getpid() + next(_count)  # so that workers of joblib do not all take the same
    os.sched_setaffinity(0, [free[(first + at) % len(free)] for at in range(wanted)])
    try:
        yield
    finally:
        os.sched_setaffinity(0, free)


def packed(folder: Path) -> bytes:
    """A model directory as the bytes of an archive, the same for the same model: without the card, which names a folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.iterdir() if path.name != "model-card.md"):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def card(model: bytes) -> dict[str, Any]:
    """model.json of a packed model."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        found: dict[str, Any] = json.loads(archive.read("model.json"))
    return found


@functools.lru_cache(maxsize=8)
def _unpacked(model: bytes, _process: int) -> Model:
    """On disk, for as long as it is used. A process that was forked has its own."""
    folder = tempfile.mkdtemp(prefix="focalsweep-")
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        archive.extractall(folder)
    return Model(folder, _temporary=True)


def score(model: bytes, rows: pa.Table) -> Floats:
    """The logit of each row."""
    raw: Floats = _unpacked(model, os.getpid()).scores(rows)["raw"].to_numpy()
    return raw


def above(raw: Floats, threshold: float | None) -> Floats:
    """How far logits are above a threshold; one that is at it is the least bit above. None is 0, which is not."""
    return raw if threshold is None else raw - np.nextafter(threshold, -np.inf)


def logistic(raw: Floats) -> Floats:
    """1 / (1 + exp(-raw)), without overflow."""
    probability: Floats = np.exp(-np.logaddexp(0.0, -raw))
    return probability


def point(given: Any) -> dict[str, float]:
    """An operating point as the sweep file has it, of a dict or of `max_fpr=0.01`.

    >>> point("fn_cost=100,fp_cost=1")
    {'fn_cost': 100.0, 'fp_cost': 1.0}
    """
    if not isinstance(given, str):
        return dict(given)
    pairs = [pair.partition("=") for pair in given.split(",")]
    try:
        return {key.strip(): float(value) for key, _, value in pairs}
    except ValueError:
        raise ValueError(f"operating_point is {given!r}, expected such as 'max_fpr=0.01' or a dict") from None


def renamed(error: InputError, names: Any) -> InputError:
    """The error with the names of the estimator's columns and parameters."""

    def mended(text: str) -> str:
        for at in range(len(names) - 1, -1, -1):
            text = text.replace(f"`x{at}`", f"`{names[at]}`")
        return text

    faults = [Fault(mended(fault.message), fault.path, mended(fault.hint)) for fault in error.faults]
    return type(error)(faults)
