"""Times this program and its peers on the same work, side by side, and writes the tables of docs/performance.md.

    make bench-peers                                # JAX vmap, and what more pairs and many small trials cost
    make bench-peers ARGS='--with torch_pool:14'    # also the PyTorch process pool, on the first 14 pairs
    make bench-peers ARGS='--only narrow wide'      # one table less, or two

The work: `narrow` is forestcover.parquet, 7 x 7 pairs, features-16-1, batch 2048, exactly 10 epochs; `wide` 100,000 synthetic
rows of 100 features, 7 pairs, 256 and 128 hidden units, 2 epochs. Validation AUC after each epoch, test metrics at the end.
Whole processes, from start to finish, in turn (A B A B ...), so that a machine whose speed drifts drifts for all. Where the
processor has AVX-512, this program is timed as it would run without it too (FOCALSWEEP_SIMD=avx2). JAX is timed with fewer
epochs as well, from which its start and compilation follow. A peer is a script of the folder PEERS; its packages are installed
once into a virtual environment.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = {
    "jax_vmap": ["jax"],
    "torch_pool": ["torch==2.11.0"],
    "ray_tune": ["torch==2.11.0", "ray[tune]"],
    "optuna_study": ["torch==2.11.0", "optuna"],
    "keras_loop": ["tensorflow-cpu"],
}
PAIRS, EPOCHS = 49, 10
SPEC = """
name: peers
data: {{source: {data}, label: Class, positive: 1, clip: 5}}
model: {{hidden: [{hidden}], activation: relu, dropout: 0.5, initial_bias: prior}}
train: {{epochs: {epochs}, batch_size: 2048, optimizer: adam, learning_rate: 1e-3, reduction: sum, early_stopping: none}}
parameters: {{loss: {{value: focal}}, alpha: {alpha}, gamma: {gamma}}}
scores: {scores}
"""
# Trials that cost next to nothing: one step on 640 rows.
SMALL = """
name: small
data: {{source: {data}, synth: {{rows: 1000, features: 10, positives: 100}}, label: Class}}
train: {{epochs: 1, batch_size: 1000, early_stopping: none}}
parameters: {{loss: {{value: focal}}, alpha: {{min: 0.01, max: 0.99, count: 100}}, gamma: {{min: 0, max: 4, count: 100}}}}
"""
LARGE = """
name: large
data: {{source: {data}, label: Class}}
parameters:
  loss: {{value: focal}}
  alpha: {{min: 0.001, max: 0.999, count: 1000}}
  gamma: {{min: 0, max: 4, count: 1000}}
  learning_rate: {{min: 0.001, max: 0.01, count: 10}}
"""


def axis(low, high, count):
    return f"{{min: {low}, max: {high}, count: {count}}}" if count > 1 else f"{{value: {low}}}"


def sweep(data, alphas=7, gammas=7, scores="none", hidden="16", epochs=EPOCHS):
    alpha, gamma = axis(0.1, 0.4, alphas), axis(1.0, 4.0, gammas)
    return SPEC.format(data=data, epochs=epochs, alpha=alpha, gamma=gamma, scores=scores, hidden=hidden)


def environment(peer):
    """The Python of a peer's own virtual environment."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "focalsweep" / "peers"
    folder = cache / peer
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {' '.join(PACKAGES[peer])} for {peer}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES[peer], "pyarrow", "scipy"], check=True)
        (folder / "complete").touch()
    return python


def once(command, folder, simd=None):
    """Wall seconds of a whole process, the peak memory of it and its children in MB, and their CPU seconds."""
    log = tempfile.TemporaryFile()
    environ = {**os.environ, "FOCALSWEEP_SIMD": simd} if simd else None
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environ)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        log.seek(0)
        sys.exit(f"{command} failed:\n{log.read().decode(errors='replace')[-2000:]}")
    return wall, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


class Contender:
    """A command that is timed: `out` is a folder that it makes."""

    def __init__(self, name, command, folder=ROOT, out=None, simd=None):
        self.name, self.command, self.folder, self.out, self.simd = name, [str(part) for part in command], folder, out, simd
        self.figures = []

    def run(self, counts):
        if self.out:
            shutil.rmtree(self.out, ignore_errors=True)
        figure = once(self.command, self.folder, self.simd)
        print(f"{'run' if counts else 'warm-up'}: {self.name} {figure[0]:.2f} s, {figure[2]:.2f} CPU s", file=sys.stderr)
        if counts:
            self.figures.append(figure)

    def median(self, which):
        return statistics.median(figure[which] for figure in self.figures)


def has_avx512():
    try:
        return "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def ours(program, scratch, work, spec, variants):
    """This program on a sweep, with each of `variants` (what `scores` says: what it is called), and without AVX-512 too."""
    for scores, label in variants.items():
        for simd in [None, "avx2"] if has_avx512() else [None]:
            name = f"focalsweep{label}{', FOCALSWEEP_SIMD=avx2' if simd else ''}"
            stem = f"{work}-{scores}-{simd or 'best'}"
            path, out = pathlib.Path(scratch, f"{stem}.yaml"), pathlib.Path(scratch, stem)
            path.write_text(spec(scores))
            yield Contender(name, [program, "run", path, "--out", out, "--no-progress", "--devices", "cpu"], out=out, simd=simd)


def table(part, machine, contenders, runs, jax, few):
    """Times contenders in turn and fills a table. `jax` and `few` are JAX with all its epochs and with fewer: (contender,
    epochs)."""
    for run in range(runs + 1):  # the first warms the caches and does not count
        for contender in contenders:
            contender.run(counts=run > 0)
    lines = [
        f"{machine}, {runs} runs of each in turn.",
        "",
        "| | median s | min | max | JAX's time over this | CPU s | JAX's over this | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = jax[0]
    for one in contenders:
        walls = [figure[0] for figure in one.figures]
        memory = max(figure[1] for figure in one.figures)
        lines.append(
            f"| {one.name} | {one.median(0):.2f} | {min(walls):.2f} | {max(walls):.2f} | {base.median(0) / one.median(0):.1f}"
            f" | {one.median(2):.2f} | {base.median(2) / one.median(2):.1f} | {memory:.0f} |"
        )
    epoch = (base.median(0) - few[0].median(0)) / (jax[1] - few[1])
    start = base.median(0) - epoch * jax[1]
    lines += ["", f"Of JAX's {base.median(0):.2f} s, {start:.2f} s are its start and compilation (its time without its epochs, by the line through both)."]
    fill(part, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, type=pathlib.Path, help="folder of the peers' scripts")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--with", dest="others", nargs="*", default=[], metavar="PEER[:PAIRS]", help=", ".join(PACKAGES))
    tables = ["narrow", "wide", "widths", "rows", "curve", "orchestration"]
    parser.add_argument("--only", nargs="*", default=tables, choices=tables, help="tables to write (all)")
    args = parser.parse_args()
    data, peers = args.data.resolve(), args.peers.resolve()
    if not data.exists() or not (peers / "jax_vmap.py").exists():
        sys.exit(f"skipped: needs {data} and {peers}/jax_vmap.py (set PEERS and BENCH_DATA)")

    program = ROOT / "target" / "release" / "focalsweep"
    machine = f"Measured by `make bench-peers` on {cpu()}{' (AVX-512)' if has_avx512() else ''}, {os.cpu_count()} cores"

    def peer(name, of, epochs, pairs, *more, label=None):
        command = [environment(name), f"{name}.py", "--data", of, "--epochs", str(epochs), "--pairs", str(pairs), *more]
        return Contender(label or name, command, peers)

    with tempfile.TemporaryDirectory() as scratch:
        if "narrow" in args.only:
            variants = {"none": ", `scores: none`", "all": ", scores, report.md and report.html"}
            contenders = list(ours(program, scratch, "narrow", lambda scores: sweep(data, scores=scores), variants))
            jax, few = peer("jax_vmap", data, EPOCHS, PAIRS), peer("jax_vmap", data, 1, PAIRS, label="jax_vmap, 1 epoch")
            contenders += [jax, few]
            for other in args.others:
                name, _, pairs = other.partition(":")
                pairs = int(pairs or PAIRS)
                contenders.append(peer(name, data, EPOCHS, pairs, label=name if pairs == PAIRS else f"{name}, {pairs} pairs"))
            table("peers", machine, contenders, args.runs, (jax, EPOCHS), (few, 1))
        if "wide" in args.only:
            wide = synthesised(program, scratch, 100_000, 100, 1000)
            spec = lambda scores: sweep(wide, 1, 7, scores, "256, 128", 2)
            contenders = list(ours(program, scratch, "wide", spec, {"none": ", `scores: none`"}))
            hidden = ["--hidden", "256,128"]
            jax = peer("jax_vmap", wide, 2, 7, *hidden)
            few = peer("jax_vmap", wide, 1, 7, *hidden, label="jax_vmap, 1 epoch")
            table("wide", machine, [*contenders, jax, few], args.runs, (jax, 2), (few, 1))
        if "widths" in args.only:
            widths(machine, program, scratch, peer)
        if "rows" in args.only:
            many_rows(machine, program, scratch, peer)
        if "curve" in args.only:
            curve(machine, program, scratch, data)
        if "orchestration" in args.only:
            orchestration(machine, program, scratch, data)


def synthesised(program, scratch, rows, features, positives):
    """A Parquet file of that shape."""
    path = pathlib.Path(scratch, f"{rows}-{features}.parquet")
    if not path.exists():
        size = ["--rows", str(rows), "--features", str(features), "--positives", str(positives)]
        subprocess.run([program, "data", "synth", *size, "--out", path], check=True, stdout=subprocess.DEVNULL)
    return path


def widths(machine, program, scratch, peer):
    """Seconds of an epoch of 7 models of one hidden layer, by inputs and width: whole processes of many epochs less those of one."""
    lines = [f"{machine}; one whole process each.", "", "| inputs | width | focalsweep, s an epoch | jax_vmap | its time over ours |", "|---|---|---|---|---|"]
    for inputs in (10, 100, 1000):
        data = synthesised(program, scratch, 20_000, inputs, 400)
        for width in (16, 64, 256, 1024):
            walls = {"ours": [], "jax": []}
            size = inputs * width
            many = 201 if size < 5_000 else 41 if size < 20_000 else 11 if size < 200_000 else 3
            for epochs in (1, many):
                path, out = pathlib.Path(scratch, "width.yaml"), pathlib.Path(scratch, "width")
                shutil.rmtree(out, ignore_errors=True)
                path.write_text(sweep(data, 1, 7, "none", str(width), epochs))
                walls["ours"].append(once([str(program), "run", str(path), "--out", str(out), "--no-progress", "--devices", "cpu"], ROOT)[0])
                jax = peer("jax_vmap", data, epochs, 7, "--hidden", str(width))
                walls["jax"].append(once(jax.command, jax.folder)[0])
            ours, theirs = ((more - one) / (many - 1) for one, more in walls.values())
            print(f"{inputs} inputs, width {width}: {ours:.3f} s, jax {theirs:.3f}", file=sys.stderr)
            lines.append(f"| {inputs} | {width} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} |")
    fill("widths", lines)


def many_rows(machine, program, scratch, peer):
    """10,000,000 rows of 30 features, 7 pairs, one epoch, from file to the end."""
    data = synthesised(program, scratch, 10_000_000, 30, 20_000)
    variants = {"none": ", `scores: none`", "all": ", scores and reports"}
    spec = lambda scores: sweep(data, 1, 7, scores, "16", 1)
    contenders = [one for one in ours(program, scratch, "rows", spec, variants) if not one.simd]
    contenders.append(peer("torch_pool", data, 1, 7, label="torch_pool, 2 processes"))
    lines = [f"{machine}; one run of each.", "", "| | s | CPU s | peak MB of the largest process |", "|---|---|---|---|"]
    for one in contenders:
        one.run(counts=True)
        lines.append(f"| {one.name} | {one.median(0):.1f} | {one.median(2):.1f} | {one.figures[0][1]:.0f} |")
    fill("rows", lines)


def curve(machine, program, scratch, data):
    """What more pairs cost."""
    grids = ((1, 1), (7, 1), (7, 7), (14, 14), (28, 28))
    points = [(a * g, run_alone(program, scratch, sweep(data, a, g))) for a, g in grids]
    one = points[0][1]
    lines = [f"{machine}; median of 3 whole processes each.", "", "| pairs | s | times the cost of 1 | ms per pair and epoch |", "|---|---|---|---|"]
    lines += [f"| {k} | {s:.2f} | {s / one:.1f} | {1000 * s / k / EPOCHS:.2f} |" for k, s in points]
    fill("curve", lines)


def orchestration(machine, program, scratch, data):
    """What a trial costs beside its training, and a plan."""
    small = run_alone(program, scratch, SMALL.format(data=pathlib.Path(scratch, "small.parquet")))
    spec = pathlib.Path(scratch, "large.yaml")
    spec.write_text(LARGE.format(data=data))
    plans = [once([str(program), "plan", str(spec)], ROOT) for _ in range(3)]
    wall, memory = statistics.median(plan[0] for plan in plans), max(plan[1] for plan in plans)
    lines = [
        f"{machine}; median of 3 whole processes each.",
        "",
        f"- 10,000 trials of one step on 640 rows, results, scores and 10,000 models written: {small:.2f} s, {small / 10:.2f} ms a trial.",
        f"- `plan` of a grid of 10,000,000 trials: {wall:.2f} s, {memory:.0f} MB.",
    ]
    fill("orchestration", lines)


def run_alone(program, scratch, text):
    """Median wall seconds of three runs of a sweep."""
    spec = pathlib.Path(scratch, "alone.yaml")
    spec.write_text(text)
    walls = []
    for _ in range(3):
        # A new folder each time: file systems are slow to reuse what was deleted a moment ago.
        out = tempfile.mkdtemp(dir=scratch)
        command = [program, "run", spec, "--out", out, "--no-progress", "--devices", "cpu"]
        walls.append(once([str(part) for part in command], ROOT)[0])
    return statistics.median(walls)


def fill(part, lines):
    """Replaces a part of docs/performance.md, and prints it."""
    text = "\n".join(lines)
    print(text, end="\n\n")
    page = ROOT / "docs" / "performance.md"
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    head, rest = page.read_text().split(begin)
    page.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def cpu():
    try:
        names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or "an unnamed processor"


if __name__ == "__main__":
    main()
