#!/bin/sh
# Tests the Python package under python/: its tests and doctests, the snippets of docs/python.md, the example notebook,
# and its types (mypy --strict), with the program that `make build` made.
# Its libraries live in a venv of their own, made once; where they cannot be had this is skipped.
#
#   --trackers   the tests of focalsweep.integrations instead, with MLflow, Weights & Biases, TensorBoard and Optuna
#   anything else goes to pytest, such as `-k name`
set -eu

cd "$(dirname "$0")/../.."
. tests/common/venv.sh
find_program
FOCALSWEEP=$program
export FOCALSWEEP PYTHONPATH="$PWD/python" PYTHONDONTWRITEBYTECODE=1
common="pyarrow pandas polars numpy pytest"
if [ "${1:-}" = --trackers ]; then
    shift
    missed="focalsweep.integrations was not tested"
    make_venv python-trackers "$common mlflow onnx onnxruntime wandb tensorboard optuna scikit-learn"
    exec "$venv/bin/python" -m pytest -q -p no:cacheprovider python/tests/trackers "$@"
fi
missed="the Python package was not tested"
make_venv python-package "$common scikit-learn mypy nbclient nbconvert ipykernel"
PATH="$venv/bin:$PATH"
export PATH
python -m mypy --no-incremental --cache-dir=/dev/null python/focalsweep
exec python -m pytest -q -p no:cacheprovider --doctest-modules python/focalsweep python/tests \
    --ignore python/tests/trackers --ignore python/focalsweep/integrations "$@"
