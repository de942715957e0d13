#!/bin/sh
# Opens reports of real runs in headless Chromium: see *.test.cjs. Where there is no Chromium, Node or npm registry
# this is skipped. SCREENSHOTS=DIR keeps pictures of the pages; BROWSER names another Chromium. `run.sh live` opens the
# page of a run that goes on only.
set -eu

cd "$(dirname "$0")/../.."
program=${FOCALSWEEP:-${CARGO_TARGET_DIR:-target}/release/focalsweep}
if [ ! -x "$program" ]; then
    echo "there is no $program: run \`make build\`, or name the program in FOCALSWEEP" >&2
    exit 1
fi

skip() {
    echo "skipped: $1; report.html was not opened in a browser"
    exit 0
}

browser=${BROWSER:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 || true
    browser=$(command -v chromium || true)
fi
[ -n "$browser" ] || skip "there is no chromium"
command -v npm >/dev/null || skip "there is no npm"
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] || skip "node is older than 20"

# The two packages live in a folder of their own, filled once for each version of the lock file.
modules=${XDG_CACHE_HOME:-$HOME/.cache}/focalsweep/browser-tests
if ! cmp -s tests/browser/package-lock.json "$modules/installed-lock.json"; then
    rm -rf "$modules"
    mkdir -p "$modules"
    cp tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc "$modules"
    npm ci --prefix "$modules" --silent >/dev/null 2>&1 || skip "npm cannot install playwright-core and axe-core"
    cp tests/browser/package-lock.json "$modules/installed-lock.json"
fi

folder=$(mktemp -d)
runner=
watcher=
# shellcheck disable=SC2317 # called by the trap
clean() {
    for process in $watcher $runner; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap clean EXIT INT TERM

# run NAME SPEC ARGUMENTS: exit code 1 (some trials failed) is what one of them is for.
run() {
    name=$1
    shift
    code=0
    "$program" run "$@" --out "$folder/$name" --no-progress --devices cpu >/dev/null 2>"$folder/talk" || code=$?
    [ "$code" -le 1 ] || { cat "$folder/talk" >&2; exit 1; }
}

run focal sweeps/focal.yaml --set train.epochs=20
run comparison sweeps/comparison.yaml --set train.epochs=25
run one sweeps/focal.yaml --set train.epochs=5 --set replicates=1 --set parameters.alpha.value=0.25 --set parameters.gamma.value=2

# A label that would run if it were not escaped, and trials that diverge.
"$program" data synth --rows 1200 --features 3 --positives 60 --out "$folder/plain.csv" 2>/dev/null
# shellcheck disable=SC2016 # no expansion wanted
sed '1s|Class|</script><script>window.hacked = 1</script><b>|' "$folder/plain.csv" >"$folder/hostile.csv"
cat >"$folder/failed.yaml" <<'SPEC'
name: failed
data: {source: HOSTILE, label: "</script><script>window.hacked = 1</script><b>", positive: 1}
replicates: 2
model: {hidden: [8]}
train: {epochs: 6, batch_size: 256, optimizer: sgd}
parameters:
  - loss: {value: focal}
    alpha: {values: [0.25, 0.75]}
    learning_rate: {values: [1e-4, 1e30]}
SPEC
sed -i "s|HOSTILE|$folder/hostile.csv|" "$folder/failed.yaml"
run failed "$folder/failed.yaml"

cat >"$folder/many.yaml" <<'SPEC'
name: many
data: {source: SYNTHETIC, label: Class, positive: 1}
model: {hidden: [4], dropout: 0.2}
train: {epochs: 5, batch_size: 256}
parameters:
  loss: {value: focal}
  alpha: {min: 0.1, max: 0.9, count: 10}
  gamma: {min: 0, max: 4, count: 10}
  learning_rate: {values: [1e-3, 3e-3, 1e-2, 3e-2]}
  weight_decay: {values: [0, 1e-4, 1e-3, 1e-2, 1e-1]}
SPEC
sed -i "s|SYNTHETIC|$folder/plain.csv|" "$folder/many.yaml"
run many "$folder/many.yaml"

# A search in two mappings, of which one reads more.
cat >"$folder/search.yaml" <<'SPEC'
name: search
data: {source: SYNTHETIC, label: Class, positive: 1}
train: {epochs: 8}
method: tpe
run_cap: 80
parameters:
  - loss: {value: focal}
    alpha: {min: 0.05, max: 0.95}
    learning_rate: &rates {min: 1e-4, max: 1e-1, distribution: log_uniform_values}
    hidden: &widths {values: [[4], [8]]}
  - loss: {value: bce}
    learning_rate: *rates
    hidden: *widths
SPEC
sed -i "s|SYNTHETIC|$folder/plain.csv|" "$folder/search.yaml"
run search "$folder/search.yaml"

# What somebody wrote down; the page is made anew with it.
cat >"$folder/focal/notes.md" <<'NOTES'
# Why this sweep

The *old* model missed <b onclick="window.hacked = 1">too many</b>; see [the ticket](https://example.org/17)
and [this](javascript:window.hacked=1).

- first alpha, then `gamma`

<script>window.hacked = 1</script>
NOTES
"$program" report "$folder/focal" --html "$folder/focal/report.html" 2>/dev/null

"$program" report "$folder/search" --format json >"$folder/search.json"
"$program" report "$folder/focal" --format json >"$folder/focal.json"

"$program" index "$folder" >/dev/null
export NODE_PATH="$modules/node_modules" RUNS="$folder" BROWSER="$browser"
if [ "${1:-}" != live ]; then
    node --test tests/browser/paper.test.cjs tests/browser/report.test.cjs tests/browser/runs.test.cjs \
        tests/browser/view.test.cjs
fi

# A run that goes on for longer than anybody looks, and its page; begun last, for it keeps all cores busy.
cat >"$folder/live.yaml" <<'SPEC'
name: live
data: {source: ROWS, synth: {rows: 6000, features: 5, positives: 600}, label: Class}
model: {hidden: [128]}
train: {epochs: 200, batch_size: 64, early_stopping: none}
replicates: 2000
parameters: {loss: {value: focal}, alpha: {values: [0.25, 0.5, 0.75]}, gamma: {min: 0, max: 4, count: 8}}
SPEC
sed -i "s|ROWS|$folder/rows.parquet|" "$folder/live.yaml"
nice -n 19 "$program" run "$folder/live.yaml" --out "$folder/live" --no-progress --devices cpu >/dev/null 2>&1 &
runner=$!
tries=0
until "$program" status "$folder/live" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "no run began in time" >&2; exit 1; }
    sleep 0.1
done
"$program" watch "$folder/live" --html --no-progress >/dev/null 2>"$folder/talk" &
watcher=$!
tries=0
until [ -e "$folder/live/live.html" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || { cat "$folder/talk" >&2; echo "no page was made in time" >&2; exit 1; }
    sleep 0.1
done

node --test tests/browser/live.test.cjs
