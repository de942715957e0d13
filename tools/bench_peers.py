"""Times this program and its peers on the same work, side by side, and writes the table of docs/performance.md.

    make bench-peers                                # JAX vmap, and what more pairs and many small trials cost
    make bench-peers ARGS='--with torch_pool:14'    # also the PyTorch process pool, on the first 14 pairs

The work: forestcover.parquet, 7 x 7 pairs, features-16-1, batch 2048, exactly 10 epochs, validation AUC after each epoch,
test metrics at the end. Whole processes, from start to finish, in turn (A B A B ...), so that a machine whose speed drifts
drifts for all. A peer is a script of the folder PEERS; its packages are installed once into a virtual environment.
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
model: {{hidden: [16], activation: relu, dropout: 0.5, initial_bias: prior}}
train: {{epochs: {epochs}, batch_size: 2048, optimizer: adam, learning_rate: 1e-3, reduction: sum}}
parameters: {{loss: {{value: focal}}, alpha: {alpha}, gamma: {gamma}}}
scores: {scores}
"""
# Trials that cost next to nothing: one step on 640 rows.
SMALL = """
name: small
data: {{source: {data}, synth: {{rows: 1000, features: 10, positives: 100}}, label: Class}}
train: {{epochs: 1, batch_size: 1000}}
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


def sweep(data, alphas=7, gammas=7, scores="none"):
    alpha, gamma = axis(0.1, 0.4, alphas), axis(1.0, 4.0, gammas)
    return SPEC.format(data=data, epochs=EPOCHS, alpha=alpha, gamma=gamma, scores=scores)


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


def once(command, folder):
    """Wall seconds of a whole process and the peak memory of it and its children, in MB."""
    log = tempfile.TemporaryFile()
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        log.seek(0)
        sys.exit(f"{command} failed:\n{log.read().decode(errors='replace')[-2000:]}")
    return wall, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, type=pathlib.Path, help="folder of the peers' scripts")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--with", dest="others", nargs="*", default=[], metavar="PEER[:PAIRS]", help=", ".join(PACKAGES))
    args = parser.parse_args()
    data, peers = args.data.resolve(), args.peers.resolve()
    if not data.exists() or not (peers / "jax_vmap.py").exists():
        sys.exit(f"skipped: needs {data} and {peers}/jax_vmap.py (set PEERS and BENCH_DATA)")

    program = ROOT / "target" / "release" / "focalsweep"
    with tempfile.TemporaryDirectory() as scratch:
        contenders = []  # name, pairs, command, folder to remove before each run
        for scores, label in (("none", "focalsweep"), ("all", "focalsweep, and scores.parquet")):
            spec, out = pathlib.Path(scratch, f"{scores}.yaml"), pathlib.Path(scratch, scores)
            spec.write_text(sweep(data, scores=scores))
            command = [program, "run", spec, "--out", out, "--no-progress", "--devices", "cpu"]
            contenders.append((label, PAIRS, command, out))
        for other in ["jax_vmap", *args.others]:
            peer, _, pairs = other.partition(":")
            pairs = int(pairs or PAIRS)
            command = [environment(peer), f"{peer}.py", "--data", data, "--epochs", str(EPOCHS), "--pairs", str(pairs)]
            contenders.append((peer if pairs == PAIRS else f"{peer}, {pairs} pairs", pairs, command, None))
        figures = {name: [] for name, *_ in contenders}
        for run in range(args.runs + 1):  # the first warms the caches and does not count
            for name, _, command, out in contenders:
                if out:
                    shutil.rmtree(out, ignore_errors=True)
                figure = once([str(part) for part in command], peers)
                print(f"{'warm-up' if run == 0 else f'run {run}'}: {name} {figure[0]:.2f} s", file=sys.stderr)
                if run:
                    figures[name].append(figure)

        curve = [(a * g, run_alone(program, scratch, sweep(data, a, g))) for a, g in ((1, 1), (7, 1), (7, 7), (14, 14), (28, 28))]
        small = run_alone(program, scratch, SMALL.format(data=pathlib.Path(scratch, "small.parquet")))
        spec = pathlib.Path(scratch, "large.yaml")
        spec.write_text(LARGE.format(data=data))
        plans = [once([str(program), "plan", str(spec)], ROOT) for _ in range(3)]

    machine = f"Measured by `make bench-peers` on {cpu()}, {os.cpu_count()} cores"
    base = statistics.median(wall for wall, _ in figures["focalsweep"]) / PAIRS
    lines = [
        f"{machine}, {args.runs} runs of each in turn.",
        "",
        "| | median s | min | max | s per pair and epoch | times ours, per pair | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, pairs, *_ in contenders:
        walls = [wall for wall, _ in figures[name]]
        median, memory = statistics.median(walls), max(memory for _, memory in figures[name])
        lines.append(
            f"| {name} | {median:.2f} | {min(walls):.2f} | {max(walls):.2f} | {median / pairs / EPOCHS:.5f}"
            f" | {median / pairs / base:.2f} | {memory:.0f} |"
        )
    fill("peers", lines)
    one = curve[0][1]
    lines = [f"{machine}; median of 3 whole processes each.", "", "| pairs | s | times the cost of 1 | ms per pair and epoch |", "|---|---|---|---|"]
    lines += [f"| {k} | {s:.2f} | {s / one:.1f} | {1000 * s / k / EPOCHS:.2f} |" for k, s in curve]
    fill("curve", lines)
    wall, memory = statistics.median(wall for wall, _ in plans), max(memory for _, memory in plans)
    lines = [
        f"{machine}; median of 3 whole processes each.",
        "",
        f"- 10,000 trials of one step on 640 rows, results, scores and 10,000 model files written: {small:.2f} s, {small / 10:.2f} ms a trial.",
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
