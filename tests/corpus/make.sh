#!/bin/sh
# Makes the files of the corpus that the program writes: `tests/corpus/make.sh [PROGRAM]`, after a format has changed.
# What fuzzing found, and what people write (spec, set, csv), is kept by hand.
set -eu

cd "$(dirname "$0")"
program=$(realpath "${1:-${FOCALSWEEP:-../../target/release/focalsweep}}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
mkdir -p csv parquet journal launch checkpoint plan model prepared manifest squeue

cp csv/good-mixed.csv "$folder/mixed.csv"
cat >"$folder/spec.yaml" <<'SPEC'
name: corpus
data: {source: mixed.csv, label: class, min_level_count: 2}
split: {test: 0.2, validation: 0.2}
model: {hidden: [2]}
train: {epochs: 400000, batch_size: 1}
parameters: {loss: {value: focal}, alpha: {values: [0.25, 0.75]}, learning_rate: {values: [1e-3, 1e30]}}
SPEC
cd "$folder"
run="spec.yaml --devices cpu --no-progress"
# shellcheck disable=SC2086 # words
"$program" run $run --out done --set train.epochs=2 >/dev/null 2>&1 || [ $? = 1 ]
# shellcheck disable=SC2086
"$program" run $run --out prepared --prepare >/dev/null 2>&1
"$program" export done --trial best --out model >/dev/null 2>&1
# shellcheck disable=SC2086
"$program" run $run --out long >/dev/null 2>&1 &
pid=$!
while ! grep -q '^{"row"' long/jobs/job-*.jsonl 2>/dev/null; do sleep 0.05; done
kill -INT $pid
wait $pid || [ $? = 130 ]
cd - >/dev/null

one() {
    for path in $1; do
        cp "$path" "$2"
        return
    done
}
# A failed run keeps its journals.
one "$folder/done/jobs/job-*.jsonl" journal/good.jsonl
one "$folder/long/jobs/*.checkpoint" checkpoint/good.checkpoint
cp "$folder/done/plan.jsonl" plan/good.jsonl
cp "$folder/done/manifest.json" manifest/good.json
cp "$folder/prepared/prepared/r0.arrow" prepared/good.arrow
cp "$folder/done/results.parquet" parquet/results.parquet
for file in model.json model.safetensors preprocessing.json; do cp "$folder/model/$file" "model/good-$file"; done
for file in ../slurm/fixtures/squeue-*.txt ../slurm/fixtures/sacct.txt; do cp "$file" squeue/; done
