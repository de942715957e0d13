#!/bin/sh
# Checks docs/kubernetes-job.yaml against the JSON Schemas that are made from Kubernetes' own API definition, unknown keys
# refused. They come with the package kubernetes-validate (Apache-2.0), which is put into a venv of its own once; where it
# cannot be had this is skipped.
set -eu

cd "$(dirname "$0")/../.."
missed="docs/kubernetes-job.yaml was not checked"
. tests/common/venv.sh
make_venv kubernetes-validate "kubernetes-validate==1.37.0"

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
