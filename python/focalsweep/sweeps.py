"""Sweeps from Python: a spec as keywords, data as a frame, a run directory as ever."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ._frames import Frame, is_frame, to_arrow
from ._program import call
from ._training import train
from .errors import FocalsweepError, InputError
from .run import Run

_SOURCE = "source.parquet"


def sweep(
    source: Frame | str | os.PathLike[str],
    /,
    *,
    label: str,
    positive: object = None,
    weight: str | None = None,
    parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    name: str = "sweep",
    out: str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    progress: bool | None = None,
    **spec: Any,
) -> Run:
    """Trains every trial of a sweep, and gives the run.

    `source` is a DataFrame of pandas or polars, a pyarrow.Table, or the path of a CSV or Parquet file. A frame is kept
    as `source.parquet` in the run directory, so that the run can be gone on with. `label` is the column to predict,
    `positive` its value that is the rare class (absent: 1 or true, else the rarer of two), `weight` a column by which
    rows count in loss and figures.

    `parameters` and all other keywords are the keys of a sweep file (docs/spec.md): `split`, `train`, `replicates`,
    `operating_point` and so on; `data` has those under `data` beside source and label, such as
    `{"drop": ["id"]}`. Bare values in
    `parameters` are short for `{"value": …}`, lists for `{"values": […]}`. `set` changes keys by their path, as
    `--set` does: `{"train.epochs": 5}`.

    `out` is the run directory, `runs/NAME` unless given; it must be new or empty. `progress`: True and False show how
    far it is or do not; None shows it on a terminal and in a notebook.

    Raises `SpecError`, with the path of each key and a hint, for what the reader of sweep files refuses, `InputError`
    for data and directories, `ProgramError` for the machine, `Interrupted` after Ctrl-C. Trials that failed are a
    warning and a state in `Run.results()`.

    >>> run = sweep(crash, label="dead", positive="dead", parameters={"loss": "focal", "alpha": [0.25, 0.5]},
    ...             train={"epochs": 2}, out=folder / "run")
    >>> run.results().num_rows
    2
    >>> sweep(crash, label="dead", parameters={"loss": "focal"}, train={"epoch": 2}, out=folder / "other")
    Traceback (most recent call last):
    focalsweep.errors.SpecError: train.epoch: unknown key
      hint: did you mean `epochs`? valid keys: epochs, batch_size, optimizer, learning_rate, weight_decay, reduction, \
epsilon, early_stopping, backend
    """
    text = spec_text(source, label, positive, parameters, name, spec, weight)
    run = Path(out) if out is not None else Path("runs") / name
    for warning in begin(source, text, run, set, progress):
        warnings.warn(warning, stacklevel=2)
    return Run(run)


def begin(source: Any, text: str, run: Path, set: Mapping[str, Any] | None, progress: bool | None) -> list[str]:
    """Trains the sweep file `text` into `run`, and gives what was warned of."""
    with tempfile.TemporaryDirectory(prefix="focalsweep-") as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_text(text)
        # The faults of the spec, before anything is written.
        call("validate", path, *_overrides(set))
        kept = _keep(source, run) if is_frame(source) else None
        try:
            place = {"data.source": os.path.abspath(kept)} if kept else {}
            words = ["run", str(path), "--out", str(run), *_overrides({**(set or {}), **place})]
            return train(words, run, progress=progress)
        except (FocalsweepError, KeyboardInterrupt):
            if kept and not (run / "manifest.json").exists():
                _take_back(kept)
            raise


def resume(
    run: str | os.PathLike[str] | Run,
    *,
    set: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    progress: bool | None = None,
) -> Run:
    """Goes on with a run that was interrupted, or that has become larger by `set`; trains only what is missing.

    >>> run = sweep(crash, label="dead", positive="dead", parameters={"loss": "focal", "alpha": [0.25, 0.5]},
    ...             train={"epochs": 2}, out=folder / "resumed")
    >>> resume(run, set={"parameters.alpha.values": [0.25, 0.5, 0.75]}).results().num_rows
    3
    """
    path = Path(run.path if isinstance(run, Run) else run)
    if not (path / "sweep.yaml").is_file():
        raise InputError(f"{path} holds no run: it has no sweep.yaml", "`focalsweep.sweep(…, out=…)` begins one")
    source = path / _SOURCE
    changed = {**(set or {}), **({"data.source": os.path.abspath(source)} if source.exists() else {})}
    arguments = ["run", str(path / "sweep.yaml"), "--out", str(path), "--resume", *_overrides(changed)]
    for warning in train(arguments + ["--retry-failed"] * retry_failed, path, progress=progress):
        warnings.warn(warning, stacklevel=2)
    return Run(path)


def spec_text(
    source: Any,
    label: str,
    positive: object,
    parameters: Any,
    name: str,
    spec: Mapping[str, Any],
    weight: str | None = None,
) -> str:
    """The sweep file, as JSON, which is YAML."""
    place = _SOURCE if is_frame(source) else os.path.abspath(os.fspath(source))
    data = {"source": place, "label": label, **({} if positive is None else {"positive": positive})}
    data |= {} if weight is None else {"weight": weight}
    more = {} if spec.get("data") is None else spec["data"]
    if not isinstance(more, Mapping):
        hint = "the data themselves come first: `sweep(frame, label=…, …)`"
        raise InputError(f"`data` is a {type(more).__name__}, expected a dict of keys such as `clip`", hint)
    several = isinstance(parameters, (list, tuple))
    spaces = [_short(space) for space in parameters] if several else _short(parameters)
    whole = {"name": name, "parameters": spaces, **spec, "data": {**data, **more}}
    trainers = spec.get("trainers")
    if isinstance(trainers, Mapping):
        # Where this process is, as for a command that is typed; the sweep file lies in a folder for temporary files.
        here = os.getcwd()
        whole["trainers"] = {name: {"folder": here, **keys} for name, keys in trainers.items()}
    try:
        return json.dumps(whole, default=_plain, indent=1, allow_nan=False)
    except (TypeError, ValueError) as why:
        hint = "numbers, text, True, False, None, lists and dicts are"
        raise InputError(f"the spec holds what no sweep file can: {why}", hint) from why


def _short(space: Any) -> Any:
    """Parameters with bare values and lists written out."""
    if not isinstance(space, Mapping):
        return space
    written = {}
    for key, value in space.items():
        value = value.tolist() if hasattr(value, "tolist") else value
        if isinstance(value, (list, tuple)):
            written[key] = {"values": list(value)}
        else:
            written[key] = dict(value) if isinstance(value, Mapping) else {"value": value}
    return written


def _plain(value: Any) -> Any:
    """Scalars and arrays of numpy as Python's own; tuples, sets and ranges as lists."""
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    if isinstance(value, (Mapping, Sequence, range)):
        return dict(value) if isinstance(value, Mapping) else list(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"found {type(value).__name__} {value!r}")


def _overrides(set: Mapping[str, Any] | None) -> list[str]:
    words = []
    for key, value in (set or {}).items():
        words += ["--set", f"{key}={json.dumps(value, default=_plain)}"]
    return words


def _keep(data: Frame, run: Path) -> Path:
    """Writes a frame into the run directory, which holds nothing yet."""
    table = to_arrow(data)
    path = run / _SOURCE
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        hint = "`focalsweep.resume(…)` goes on with a run; `out` names another directory"
        raise InputError(f"{run} is there already and is not empty", hint)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pq.write_table(table, path, compression="zstd")
    except Exception as why:
        _take_back(path)
        raise InputError(f"the frame cannot be written as Parquet: {why}", "give columns of plain types") from why
    return path


def _take_back(source: Path) -> None:
    """Removes what `_keep` wrote, and the directory if nothing else is in it."""
    source.unlink(missing_ok=True)
    for folder in ("jobs", "models"):
        try:
            (source.parent / folder).rmdir()
        except OSError:
            pass
    for name in (".lock", "log.txt"):
        (source.parent / name).unlink(missing_ok=True)
    try:
        source.parent.rmdir()
    except OSError:
        pass
