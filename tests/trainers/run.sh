#!/bin/sh
# Runs the examples under trainers/ with the libraries that they are for, in a sweep on the crash data, and holds the
# gradient and Hessian of focal loss against finite differences.
# The libraries live in a venv of their own, made once; where they cannot be had this is skipped. PyTorch is large: its
# example is run where TORCH_EXAMPLE=1 asks for it, or the venv has it.
set -eu

cd "$(dirname "$0")/../.."
missed="the examples of trainers were not run"
. tests/common/venv.sh
find_program
make_venv python-trainers "lightgbm scikit-learn pandas pyarrow numpy"
if ! "$venv/bin/python" -c 'import torch' 2>/dev/null && [ "${TORCH_EXAMPLE:-}" = 1 ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: torch ||
        echo "pip cannot install torch; its example was not run"
fi
PATH="$venv/bin:$PATH"
export PATH

python3 tests/trainers/check_focal.py
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cp tests/trainers/examples.yaml "$folder/examples.yaml"
set -- --set "data.source=$PWD/data/crash.parquet" --set "trainers.lightgbm.folder=$PWD" --set "trainers.sklearn.folder=$PWD" \
    --set "trainers.torch.folder=$PWD"
if ! python3 -c 'import torch' 2>/dev/null; then
    echo "there is no torch (TORCH_EXAMPLE=1 installs it); its example was not run"
    sed -i '/value: torch/d' "$folder/examples.yaml"
fi
"$program" run "$folder/examples.yaml" "$@" --out "$folder/run" --no-progress --devices cpu >/dev/null 2>"$folder/talk" ||
    { cat "$folder/talk" >&2; exit 1; }
python3 tests/trainers/check_examples.py "$folder/run" "$program" "$folder"
