#!/bin/sh
# Holds exported ONNX models against `focalsweep predict`: onnx's checker, then onnxruntime on four data sets with text,
# truths, times, missing cells and levels that training did not see, at batches of 0, 1 and 1,000 rows.
# The libraries live in a venv of their own, made once; where they cannot be had this is skipped.
set -eu

cd "$(dirname "$0")/../.."
missed="models in ONNX were not held against predict"
. tests/common/venv.sh
find_program
make_venv python-onnx "onnx onnxruntime pyarrow numpy"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
exec "$venv/bin/python" -B tests/onnx/check_onnx.py "$program" "$folder"
