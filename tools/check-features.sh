#!/usr/bin/env bash
# Says which third-party crates would be compiled with other features by `cargo build -p ONE` than by `cargo test`: each is
# compiled once more for every such selection. What it prints belongs into crates/features/Cargo.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

resolved() { cargo tree --offline --prefix none -f '{p} [{f}]' "$@" | sed 's/ (\*)$//' | grep -v '^focalsweep' | sort -u; }

whole=$(mktemp)
trap 'rm -f "$whole"' EXIT
resolved --workspace -e normal,build,dev >"$whole"
missing=0
for edges in normal,build normal,build,dev; do
    for selection in "--workspace" "-p focalsweep" "-p focalsweep-core" "-p focalsweep-engine" "-p focalsweep-report" "-p focalsweep-torch"; do
        # shellcheck disable=SC2086 # the selection is words
        other=$(resolved $selection -e "$edges" | comm -13 "$whole" -)
        if [ -n "$other" ]; then
            printf '%s (%s):\n%s\n' "$selection" "$edges" "$other"
            missing=1
        fi
    done
done
exit $missing
