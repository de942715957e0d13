"""What a run says, so that two runs can be compared to the bit."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from program import Failed

#: Columns that tell when, how long and in which stack; all others are to be equal.
TIMES = {"train_seconds", "started_at", "finished_at", "seconds", "job_id", "stack_size"}
#: The tables of a run.
TABLES = ("results.parquet", "history.parquet", "scores.parquet", "curves.parquet")
#: How the name of a file begins that is being written.
TEMPORARY = ".writing-"
#: How the name of a file ends that was found damaged and made again.
DAMAGED = ".damaged"


def columns(path):
    """The columns of a Parquet file that do not tell a time, by name; floats as integers of the same bits."""
    table = pq.read_table(path)
    return {name: plain(table.column(name)) for name in table.column_names if name not in TIMES}


def plain(column):
    """A column as one array of a type that says the same in one way only."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_float64(array.type):
        return array.view(pa.int64())
    if pa.types.is_float32(array.type):
        return array.view(pa.int32())
    return array


def tensors(path):
    """The tensors of a safetensors file and the words about them, by name."""
    raw = Path(path).read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    words = header.pop("__metadata__", {})
    found = {f"word {name}": word.encode() for name, word in words.items()}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        found[name] = json.dumps([tensor["dtype"], tensor["shape"]]).encode() + raw[start + begin : start + end]
    return found


def models(folder):
    """The tensors of all models of a folder, whatever files they lie in, and the bytes of its other files."""
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith(TEMPORARY) or path.name.endswith(DAMAGED):
            continue
        if path.suffix == ".safetensors":
            found.update(tensors(path))
        else:
            found[path.name] = path.read_bytes()
    return found


def exported(folder):
    """What an exported model says; the order of words in its file is not the same each time, nor are its checksums."""
    found = models(folder)
    card = json.loads(found["model.json"])
    found["model.json"] = {name: value for name, value in card.items() if name not in ("files", "sum")}
    return found


def of_run(run):
    """Everything that a finished run says and that is the same each time."""
    said = {name: columns(Path(run, name)) for name in TABLES}
    said["models"] = models(Path(run, "models"))
    return said


def differences(ours, whole):
    """Where two results of `of_run` differ, in words; empty where they do not."""
    found = []
    for name, parts in whole.items():
        for part in sorted(parts.keys() | ours[name].keys()):
            one, other = ours[name].get(part), parts.get(part)
            if one is None or other is None or type(one) is not type(other):
                found.append(f"{name}: {part} is not on both sides")
            elif not (one.equals(other) if isinstance(one, pa.Array) else one == other):
                found.append(f"{name}: {part} differs")
    return found


def same(run, whole):
    """Checks that a finished run is there as a whole and says what an undisturbed one says."""
    run = Path(run)
    manifest = json.loads(run.joinpath("manifest.json").read_bytes())
    if manifest["state"] != "finished":
        raise Failed("not finished", f"manifest.json says {manifest['state']}")
    missing = [name for name in (*TABLES, "report.md", "report.html") if not run.joinpath(name).is_file()]
    if missing:
        raise Failed("files missing", f"finished without {', '.join(missing)}")
    try:
        ours = of_run(run)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise Failed("damaged when finished", f"{type(error).__name__}: {error}") from error
    differ = differences(ours, whole)
    if differ:
        raise Failed("other figures", "; ".join(differ[:8]))
    left = [path.name for path in run.rglob(f"{TEMPORARY}*")]
    if left:
        raise Failed("temporary files left", ", ".join(left))


def rows(run):
    """How many rows results.parquet has; 0 where there is none."""
    path = Path(run, "results.parquet")
    return pq.read_metadata(path).num_rows if path.exists() else 0


def near(run, whole):
    """Checks that a finished run has the rows of another, with figures within a thousandth: libtorch's."""
    ours, theirs = (pq.read_table(Path(folder, "results.parquet")) for folder in (run, whole))
    for name in ("trial_id", "replicate", "state", "epochs_run"):
        if ours.column(name).to_pylist() != theirs.column(name).to_pylist():
            raise Failed("other rows", f"results.parquet: {name} differs")
    for name in ("train_loss", "val_loss", "val_auc", "test_auc", "threshold_raw"):
        pairs = zip(ours.column(name).to_pylist(), theirs.column(name).to_pylist(), strict=True)
        if any(abs(one - other) > 1e-3 * max(1.0, abs(other)) for one, other in pairs):
            raise Failed("other figures", f"results.parquet: {name} differs")
