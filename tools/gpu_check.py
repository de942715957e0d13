"""Checks this program on a GPU and times it there, and writes the GPU part of docs/performance.md.

    make gpu-check                                              # where the program was built
    python3 tools/gpu_check.py --program ./focalsweep           # on a GPU host that has torch 2.11.0 and no Rust

Needs a GPU, the release binaries focalsweep and focalsweep-torch beside each other, and a CUDA libtorch 2.11.0: that of LIBTORCH, or that of this Python's torch. Without a GPU it
says so, changes nothing, and ends with 0. What it does:

1. `focalsweep devices`: what is there.
2. `focalsweep devices --check`: the same stack on the CPU and on each GPU; 5 epochs of history and the test AUC within 0.001.
3. 49 pairs of focal loss, 10 epochs on forest cover (or data of its shape) and 100 epochs at the credit-card shape
   (284,807 rows, 29 features, 492 positives, synthesised), whole processes, median of three; and JAX vmap on the first where this
   Python has jax and PEERS has jax_vmap.py.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from bench_peers import PAIRS, ROOT, axis, cpu, fill, once

SPEC = """
name: gpu
data: {{source: {source}, label: Class, positive: 1, clip: 5{synth}}}
model: {{hidden: [16], activation: relu, dropout: 0.5, initial_bias: prior}}
train: {{epochs: {epochs}, batch_size: 2048, optimizer: adam, learning_rate: 1e-3, reduction: sum, early_stopping: none}}
parameters: {{loss: {{value: focal}}, alpha: {alpha}, gamma: {gamma}}}
scores: none
"""


def spec(folder, name, epochs, source=None, shape=None):
    """Writes a sweep of 49 pairs over `source`, or over synthetic data of `shape` (rows, features, positives)."""
    synth = ""
    if source is None:
        source = folder / f"{name}.parquet"
        synth = ", synth: {{rows: {}, features: {}, positives: {}}}".format(*shape)
    path = folder / f"{name}.yaml"
    path.write_text(SPEC.format(source=source, synth=synth, epochs=epochs, alpha=axis(0.1, 0.4, 7), gamma=axis(1.0, 4.0, 7)))
    return path


def library_path():
    """Folder of libtorch: LIBTORCH, else that of this Python's torch."""
    if os.environ.get("LIBTORCH"):
        return pathlib.Path(os.environ["LIBTORCH"]) / "lib"
    if importlib.util.find_spec("torch"):
        import torch

        if not torch.__version__.startswith("2.11.0"):
            sys.exit(f"this Python has torch {torch.__version__}; the program is linked to libtorch 2.11.0")
        return pathlib.Path(torch.__path__[0]) / "lib"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target" / "release" / "focalsweep")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / ".." / "shared" / "peers", help="folder of jax_vmap.py")
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("FOCALSWEEP_TEST_DATA", ROOT / ".." / "shared" / "data"))
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    program = str(args.program.resolve())
    if not args.program.exists():
        sys.exit(f"there is no program at {program}: `make build` first, or --program")
    library = library_path()
    if library:
        os.environ["LD_LIBRARY_PATH"] = f"{library}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    shown = subprocess.run([program, "devices", "--format", "json"], capture_output=True, text=True)
    if shown.returncode != 0:
        sys.exit(f"`{program} devices` failed:\n{shown.stderr}")
    host = json.loads(shown.stdout)
    subprocess.run([program, "devices"], check=True)
    if not host["gpus"]:
        print(f"SKIPPED: no GPU to check ({host['no_cuda']})")
        return

    gpu = host["gpus"][0]["name"]
    data, peers = pathlib.Path(args.data), args.peers.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        fraud, forest = data / "fraud.parquet", data / "forestcover.parquet"
        checked = spec(scratch, "check", 5, fraud.resolve() if fraud.exists() else None, (7409, 30, 492))
        checks = subprocess.run([program, "devices", "--check", checked, "--format", "json"], capture_output=True, text=True)
        print(checks.stdout + checks.stderr)
        agreement = json.loads(checks.stdout)

        works = [
            ("forest cover, 10 epochs", 10, spec(scratch, "forest", 10, forest.resolve() if forest.exists() else None, (286048, 10, 2747))),
            ("credit-card shape, 100 epochs", 100, spec(scratch, "cards", 100, None, (284807, 29, 492))),
        ]
        rows = []
        for name, epochs, path in works:
            for device in ("cuda:0", "cpu"):
                walls = []
                for run in range(args.runs + 1):  # the first warms the caches and does not count
                    out = tempfile.mkdtemp(dir=scratch)
                    command = [program, "run", str(path), "--out", out, "--devices", device, "--no-progress"]
                    wall, _ = once(command, ROOT)
                    print(f"{'warm-up' if run == 0 else f'run {run}'}: {name}, {device}: {wall:.2f} s", file=sys.stderr)
                    walls += [wall] if run else []
                rows.append((f"focalsweep, {device}", name, epochs, statistics.median(walls)))
        if importlib.util.find_spec("jax") and (peers / "jax_vmap.py").exists() and forest.exists():
            command = [sys.executable, "jax_vmap.py", "--data", str(forest.resolve()), "--epochs", "10"]
            walls = [once(command, peers)[0] for _ in range(args.runs)]
            rows.append(("JAX vmap", works[0][0], 10, statistics.median(walls)))
        else:
            print("JAX vmap: skipped, this Python has no jax, or there is no jax_vmap.py or no forestcover.parquet", file=sys.stderr)

    lines = [f"Measured by `make gpu-check` on {gpu}, {cpu()}, {os.cpu_count()} cores; median of {args.runs} whole processes each.", ""]
    worst = max(row["history"] for row in agreement["devices"]), max(row["test_auc"] for row in agreement["devices"])
    verdict = "agree" if agreement["agree"] else "DIFFER"
    lines += [f"CPU and GPU {verdict}: history of 5 epochs within {worst[0]:.1e}, test AUC within {worst[1]:.1e} (allowed 1e-3).", ""]
    lines += ["| | work | s | s per pair and epoch |", "|---|---|---|---|"]
    lines += [f"| {who} | {work} | {wall:.2f} | {wall / PAIRS / epochs:.6f} |" for who, work, epochs, wall in rows]
    fill("gpu", lines)
    sys.exit(0 if agreement["agree"] else 1)


if __name__ == "__main__":
    main()
