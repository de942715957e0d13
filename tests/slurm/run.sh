#!/usr/bin/env bash
# Tests the Slurm launcher on a real Slurm that it brings up on this host. Needs Linux and root; says so and ends well
# where it cannot run.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'tests/slurm/cluster down --dir "$folder/c"; rm -rf "$folder"' EXIT
code=0
tests/slurm/cluster up --dir "$folder/c" >/dev/null || code=$?
if [ "$code" = 77 ]; then
    echo "tests/slurm: skipped, a Slurm cannot run here" >&2
    exit 0
fi
[ "$code" = 0 ]
tests/slurm/cluster down --dir "$folder/c"
FOCALSWEEP_TEST_SLURM=1 cargo test --release -p focalsweep --test cluster -- --test-threads=1 "$@"
