#!/bin/sh
# Disturbs real runs of the program and compares what comes of them with one that was left alone: `make chaos`.
# Tables are compared with pyarrow: python3's own, or that of the venv of tests/python; without one this is skipped.
set -eu

cd "$(dirname "$0")/../.."
venv=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/python-readers
for python in python3 "$venv/bin/python"; do
    if "$python" -c 'import pyarrow.parquet' 2>/dev/null; then
        exec "$python" tests/chaos "$@"
    fi
done
echo "skipped: there is no python3 with pyarrow (tests/python/run.sh installs one); nothing was disturbed"
