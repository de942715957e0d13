#!/usr/bin/env python3
"""Counts what is claimed of settings that are really trained: equal ones, and ones that are not.

    python3 tools/trained_claims.py [--seeds 40] [--program target/release/focalsweep]

Equal: plain cross-entropy with a learning rate of 1e-3 and of 1.0001e-3 on the default sweep's data, another seed each
time. Not equal: focal loss with gamma 0 and 5 on rows of which a tenth of the labels are tossed: a large gamma
dwells on what is wrong. Both with `confirm`, so that claims about settings come from fresh trainings."""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def report(program: Path, folder: Path, spec: str, name: str) -> dict:
    """Runs a sweep and reads what its report says."""
    sweep = folder / f"{name}.yaml"
    sweep.write_text(spec)
    out = folder / name
    command = [program, "run", sweep, "--out", out, "--no-progress", "--devices", "cpu"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    told = subprocess.run([program, "report", out, "--format", "json"], check=True, capture_output=True, text=True)
    return json.loads(told.stdout)


def told(found: dict, kind: str, about: str) -> bool:
    """Whether any claim of this kind, on the test rows, is told."""
    claims = [c for c in found["claims"] if (c["kind"], c["about"], c["split"]) == (kind, about, "test")]
    if kind == "settings" and not claims:
        sys.exit(f"no claim about {kind} in {about}: {found['answer']['sentences']}")
    return any(claim["told"] for claim in claims)


def equal(seed: int) -> str:
    return f"""name: equal
data: {{source: data/crash.parquet, label: dead, positive: dead, clip: 5}}
replicates: 3
confirm: {{trials: 2, replicates: 10}}
seed: {seed}
model: {{hidden: [16], dropout: 0.5}}
train: {{epochs: 30, batch_size: 512, early_stopping: {{metric: val_auc, patience: 10}}}}
parameters: {{loss: {{value: bce}}, learning_rate: {{values: [1.0e-3, 1.0001e-3]}}}}
operating_point: {{max_fpr: 0.05}}
"""


def noisy(path: Path) -> None:
    """20,000 rows of eight features, positive by a logistic model; a tenth of the labels are tossed."""
    draw = random.Random(7)
    with path.open("w") as out:
        out.write(",".join(f"x{i}" for i in range(8)) + ",y\n")
        for _ in range(20_000):
            x = [draw.gauss(0, 1) for _ in range(8)]
            logit = -4 + x[0] + x[1] + 0.5 * x[2]
            label = draw.random() < 1 / (1 + math.exp(-logit))
            if draw.random() < 0.1:
                label = draw.random() < 0.5
            out.write(",".join(f"{value:.5f}" for value in x) + f",{int(label)}\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=40)
    options.add_argument("--program", type=Path, default=ROOT / "target/release/focalsweep")
    args = options.parse_args()
    program = args.program.resolve()
    kinds = [(kind, about) for kind in ("settings", "models") for about in ("auc", "op_fn")]
    counts = dict.fromkeys(kinds, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(1, args.seeds + 1):
            found = report(program, folder, equal(seed), f"equal-{seed}")
            for kind in kinds:
                counts[kind] += told(found, *kind)
        for (kind, about), count in counts.items():
            print(f"equal settings: {kind} told apart by {about} in {count} of {args.seeds} seeds")
        noisy(folder / "noisy.csv")
        spec = f"""name: noisy
data: {{source: {folder}/noisy.csv, label: y}}
replicates: 3
confirm: {{trials: 2, replicates: 10}}
model: {{hidden: [8], dropout: 0}}
train: {{epochs: 20, batch_size: 256, learning_rate: 1.0e-2, early_stopping: {{metric: val_auc, patience: 5}}}}
parameters: {{loss: {{value: focal}}, alpha: {{value: 0.5}}, gamma: {{values: [0, 5]}}}}
operating_point: {{max_fpr: 0.05}}
"""
        found = report(program, folder, spec, "noisy")
        for claim in found["claims"]:
            if claim["kind"] == "settings" and claim["about"] in ("auc", "op_fn"):
                low, high = claim["interval"]
                print(
                    f"tossed labels: settings, {claim['about']}: {claim['difference']:+.4f} [{low:.4f}, {high:.4f}], "
                    f"p = {claim['p']:.2g}, {'told' if claim['told'] else 'not told'}"
                )


if __name__ == "__main__":
    main()
