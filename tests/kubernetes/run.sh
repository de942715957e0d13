#!/bin/sh
# Checks docs/kubernetes-job.yaml against the JSON Schemas that are made from Kubernetes' own API definition, unknown keys
# refused. They come with the package kubernetes-validate (Apache-2.0), which is put into a venv of its own once; where it
# cannot be had this is skipped.
set -eu

cd "$(dirname "$0")/../.."
package=kubernetes-validate==1.37.0
venv=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/kubernetes-validate
stamp="$venv/made-with"

skip() {
    echo "skipped: $1; docs/kubernetes-job.yaml was not checked"
    exit 0
}

if [ "$(cat "$stamp" 2>/dev/null || true)" != "$package" ]; then
    command -v python3 >/dev/null || skip "there is no python3"
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv" >/dev/null 2>&1 || skip "python3 -m venv does not work here"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$package" || skip "pip cannot install $package"
    echo "$package" >"$stamp"
fi

for version in 1.29 1.37; do
    "$venv/bin/kubernetes-validate" --strict -k "$version" docs/kubernetes-job.yaml
done
# The check fails where it should: at a key that Kubernetes does not know.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
sed 's/completionMode:/completionsMode:/' docs/kubernetes-job.yaml >"$folder/job.yaml"
if "$venv/bin/kubernetes-validate" --strict --quiet "$folder/job.yaml" >"$folder/said" 2>&1; then
    echo "an unknown key was not refused" >&2
    exit 1
fi
grep -q completionsMode "$folder/said"
