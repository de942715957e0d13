"""Sends rows through `predict MODEL - --out -` as pyarrow writes them, reads what comes back with pyarrow, and
recomputes the metrics with pandas.

usage: stream_predictions.py PROGRAM RUN_DIR FOLDER
"""

import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

SOURCE = "data/crash.parquet"
LABEL, POSITIVE = "dead", "dead"


def check(holds, message):
    if not holds:
        sys.exit(f"stream_predictions.py: {message}")


def run(*arguments, sent=None):
    done = subprocess.run([str(argument) for argument in arguments], input=sent, capture_output=True)
    check(done.returncode == 0, f"{arguments}: {done.stderr.decode()}")
    return done.stdout


def stream(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=5000):
            writer.write_batch(batch)
    return sink.getvalue()


def feathered(table, compression):
    sink = io.BytesIO()
    feather.write_feather(table, sink, compression=compression)
    return sink.getvalue()


def forms(frame):
    """The same rows as programs send them."""
    plain = pa.Table.from_pandas(frame, preserve_index=False)
    words = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    with_categories = frame.astype({name: "category" for name in words}).set_index(pd.RangeIndex(len(frame)) * 3)
    categories = pa.Table.from_pandas(with_categories)
    parquet = io.BytesIO()
    pq.write_table(plain, parquet)
    return {
        "stream": stream(plain),
        "stream of categories": stream(categories),
        "feather, lz4": feathered(plain, "lz4"),
        "feather, zstd": feathered(plain, "zstd"),
        "feather, plain": feathered(plain, "uncompressed"),
        "parquet": parquet.getvalue(),
        "csv": frame.to_csv(index=False).encode(),
    }


def metrics(table, labels):
    """AUC and counts by pandas."""
    raw, flagged = table["raw"].to_pandas(), table["flagged"].to_pandas()
    positive = labels == POSITIVE
    n, rest = int(positive.sum()), int((~positive).sum())
    auc = (raw.rank()[positive].sum() - n * (n + 1) / 2) / (n * rest)
    negative, left = ~positive, ~flagged
    counts = {"tp": flagged & positive, "fp": flagged & negative, "fn": left & positive, "tn": left & negative}
    return auc, {name: int(rows.sum()) for name, rows in counts.items()}


program, run_dir, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
model = folder / "model"
run(program, "export", run_dir, "--trial", "best", "--out", model)
run(program, "predict", model, SOURCE, "--out", folder / "predicted.parquet", "--keep", LABEL)
expected = pq.read_table(folder / "predicted.parquet")
frame = pq.read_table(SOURCE).to_pandas()
for name, sent in forms(frame).items():
    got = run(program, "predict", model, "-", "--out", "-", "--format", "arrow", "--keep", LABEL, sent=sent)
    with pa.ipc.open_stream(got) as reader:
        table = reader.read_all()
    check(table.column_names == expected.column_names, f"{name}: columns {table.column_names}")
    for column in table.column_names:
        check(table[column].equals(expected[column]), f"{name}: {column} differs from what is written as Parquet")
    notes = json.loads(table.schema.metadata[b"focalsweep"])
    found = notes["label"]["metrics"]
    auc, counts = metrics(table, frame[LABEL].astype(str))
    check(math.isclose(found["auc"]["value"], auc, rel_tol=1e-12), f"{name}: AUC {found['auc']}, pandas {auc}")
    for count, value in counts.items():
        ours = found["at_threshold"][count]
        check(ours["value"] == value, f"{name}: {count} {ours}, not {value}")
print(f"predictions of {len(frame)} rows came back alike from {len(forms(frame))} forms of standard input")
