#!/bin/sh
# Reads a run's Parquet files with pandas, pyarrow, polars and DuckDB, checks the sweep files against the JSON Schema,
# sends rows through `predict` as pyarrow writes them, and compares what is read of 300 generated CSV files with what
# pandas reads.
# The readers live in a venv of their own, made once; where they cannot be had this is skipped.
set -eu

cd "$(dirname "$0")/../.."
missed="the Parquet files were not read with Python"
. tests/common/venv.sh
find_program
make_venv python-readers "pandas pyarrow polars duckdb jsonschema pyyaml numpy safetensors tzdata pytz"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
"$program" run sweeps/comparison.yaml --out "$folder/run" --no-progress --devices cpu \
    --set train.epochs=2 --set replicates=2 >/dev/null 2>"$folder/talk" || { cat "$folder/talk" >&2; exit 1; }
"$program" schema >"$folder/schema.json"
"$venv/bin/python" tests/python/read_results.py "$folder/run" "$folder/schema.json"
"$venv/bin/python" tests/python/stream_predictions.py "$program" "$folder/run" "$folder"

# READ_TABLES names the program where it is built already.
tables=${READ_TABLES:-}
if [ -z "$tables" ]; then
    cargo build --release --quiet -p focalsweep-engine --example read_tables
    tables=${CARGO_TARGET_DIR:-target}/release/examples/read_tables
fi
"$venv/bin/python" tests/python/read_like_pandas.py "$tables"
