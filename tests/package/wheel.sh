#!/bin/sh
# Installs the wheel that `make wheel` made into a fresh venv, with no compiler and no checkout in sight: the program
# starts, sweeps, and is found by the package; `pip` takes it out again. The wheel of focalsweep-torch trains with an
# installed torch 2.11, and refuses another. WHEEL_SECONDS is how long the first of it may take (60, on two idle cores).
set -eu

cd "$(dirname "$0")/../.."
missed="the wheel was not tested"
. tests/common/venv.sh
command -v python3 >/dev/null || skip "there is no python3"
wheels=$PWD/${CARGO_TARGET_DIR:-target}/wheels
wheel=$(echo "$wheels"/focalsweep-*manylinux*.whl)
[ -e "$wheel" ] || { echo "there is no $wheel: run \`make wheel\`" >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
root=$PWD
began=$(date +%s)
python3 -m venv "$folder/venv"
# No compiler, no cargo, no program of this checkout.
PATH=$folder/venv/bin:/usr/bin:/bin
export PATH
unset FOCALSWEEP FOCALSWEEP_TORCH PYTHONPATH 2>/dev/null || true
CC=/nonexistent/cc pip install --quiet --disable-pip-version-check --only-binary :all: "$wheel" ||
    skip "pip cannot install pyarrow"
cd "$folder"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
said=$(venv/bin/focalsweep --version)
[ "$said" = "focalsweep $version" ] || { echo "the wheel's program says $said, not focalsweep $version" >&2; exit 1; }
mkdir data
cp "$root/data/crash.parquet" data
venv/bin/focalsweep run "$root/sweeps/focal.yaml" --out runs/focal --no-progress --devices cpu >/dev/null 2>talk ||
    { cat talk >&2; exit 1; }
python - <<'END'
import focalsweep
from focalsweep._program import program

run = focalsweep.Run("runs/focal")
assert program().endswith("venv/bin/focalsweep"), program()
assert len(run.report().ranking) == 81 and run.state == "finished"
again = focalsweep.sweep("data/crash.parquet", label="dead", positive="dead", parameters={"loss": "bce"}, train={"epochs": 1})
assert again.results().num_rows == 1 and str(again.path) == "runs/sweep"
END
took=$(($(date +%s) - began))
limit=${WHEEL_SECONDS:-60}
[ "$took" -lt "$limit" ] || { echo "installing and sweeping took $took s, expected less than $limit" >&2; exit 1; }
echo "installed $(basename "$wheel") and ran the default sweep in $took s"

torch=$(echo "$wheels"/focalsweep_torch-*.whl)
libtorch=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/libtorch-2.11.0-cpu
if [ ! -e "$torch" ] || [ ! -e "$libtorch/torch" ]; then
    echo "skipped: there is no wheel of focalsweep-torch, or no torch 2.11; it was not tested"
    exit 0
fi
pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: "$torch"
if focalsweep-torch --describe >/dev/null 2>talk || ! grep -q "torch is not installed, expected torch 2.11" talk; then
    echo "focalsweep-torch without torch: $(cat talk)" >&2
    exit 1
fi
site=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site/torch-2.10.0.dist-info"
printf 'Metadata-Version: 2.1\nName: torch\nVersion: 2.10.0\n' >"$site/torch-2.10.0.dist-info/METADATA"
focalsweep run "$root/sweeps/focal.yaml" --out runs/other --devices cpu --set train.backend=libtorch >/dev/null 2>talk && code=0 || code=$?
if [ "$code" != 3 ] || ! grep -q "2.10.0 is installed, expected torch 2.11" talk; then
    echo "with torch 2.10.0 (exit code $code): $(cat talk)" >&2
    exit 1
fi
rm -r "$site/torch-2.10.0.dist-info"
echo "$libtorch" >"$site/torch.pth"
focalsweep run "$root/sweeps/focal.yaml" --out runs/libtorch --no-progress --devices cpu --set train.backend=libtorch \
    --set train.epochs=2 --set parameters.gamma.count=2 --set replicates=1 --set confirm=null >/dev/null 2>talk || { cat talk >&2; exit 1; }
python -c 'import focalsweep; m = focalsweep.Run("runs/libtorch").manifest; assert m["libtorch"].startswith("2.11"), m["libtorch"]'
echo "$(basename "$torch") trained with the libraries of an installed torch"
