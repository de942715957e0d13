"""Holds our samplers against Optuna's on five closed-form functions, and prints the table of docs/search.md.

    pip install optuna numpy
    python3 tools/bench_samplers.py optuna optuna.jsonl                   # hours: 200 seeds, goes on where it stopped
    cargo run --release -p focalsweep-core --example samplers > ours.jsonl
    python3 tools/bench_samplers.py compare ours.jsonl optuna.jsonl

One JSON line a study: function, sampler, batch, trials, seed, regret (the best value found less the minimum), seconds.
Functions and minima are those of crates/core/examples/samplers.rs:

  branin      x1 in [-5, 10], x2 in [0, 15] (Dixon & Szego 1978)
  hartmann6   x1..x6 in [0, 1] (Dixon & Szego 1978)
  ackley_log  x1..x3 log-uniform in [1e-5, 1]: Ackley's function of log10(x) + 3
  mixed       c of {a, b, c}; x in [0, 1]; n whole in [1, 64]; lr log-uniform in [1e-4, 1e-1]:
              {a: 0.2, b: 0.1, c: 0}[c] + (x - 0.3)^2 + (log2(n) - 4)^2 / 36 + (log10(lr) + 2.5)^2 / 4
  noisy       branin / 10 + a normal error of sd 0.5: the regret is that of the noiseless value of the trial that
              looks best
"""

import argparse
import collections
import itertools
import json
import os
import time

import numpy as np

A = np.array([
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
])
P = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
])
C = np.array([1, 1.2, 3, 3.2])


def branin(trial):
    x, y = trial.suggest_float("x1", -5, 10), trial.suggest_float("x2", 0, 15)
    bent = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return bent**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


def hartmann6(trial):
    x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(1, 7)])
    return -float(C @ np.exp(-(A * (x - P) ** 2).sum(1)))


def ackley_log(trial):
    z = np.array([np.log10(trial.suggest_float(f"x{i}", 1e-5, 1, log=True)) + 3 for i in range(1, 4)])
    return float(-20 * np.exp(-0.2 * np.sqrt((z**2).mean())) - np.exp(np.cos(2 * np.pi * z).mean()) + 20 + np.e)


def mixed(trial):
    c = {"a": 0.2, "b": 0.1, "c": 0.0}[trial.suggest_categorical("c", ["a", "b", "c"])]
    x, n = trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 64)
    rate = np.log10(trial.suggest_float("lr", 1e-4, 1e-1, log=True))
    return c + (x - 0.3) ** 2 + (np.log2(n) - 4) ** 2 / 36 + (rate + 2.5) ** 2 / 4


FUNCTIONS = {
    "branin": (branin, 0.397887),
    "hartmann6": (hartmann6, -3.32237),
    "ackley_log": (ackley_log, 0.0),
    "mixed": (mixed, 0.0),
    "noisy": (lambda trial: branin(trial) / 10, 0.0397887),
}
# Optuna 5 samples all parameters at once and counts what is under way; until version 4 each for itself was the default.
RIVALS = {"tpe": {}, "tpe_univariate": {"multivariate": False, "constant_liar": True}}


def study(optuna, name, sampler, batch, trials, seed):
    """The regret of one study that is asked and told in batches."""
    function, least = FUNCTIONS[name]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, **RIVALS[sampler]))
    error = np.random.default_rng(seed)
    best = (np.inf, np.inf)
    for first in range(0, trials, batch):
        asked = [study.ask() for _ in range(min(batch, trials - first))]
        values = [function(trial) for trial in asked]
        for trial, value in zip(asked, values):
            seen = value + (error.normal(0, 0.5) if name == "noisy" else 0)
            study.tell(trial, seen)
            best = min(best, (seen, value))
    return float(best[1] - least)


def run_optuna(args):
    import warnings

    import optuna

    warnings.filterwarnings("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    batches = list(map(int, args.batches.split(",")))
    done = set()
    if os.path.exists(args.file):
        done = {(r["function"], r["sampler"], r["batch"], r["seed"]) for r in read(args.file)}
    with open(args.file, "a", encoding="utf-8") as out:
        for sampler, seed, batch in itertools.product(RIVALS, range(args.seeds), batches):
            for name in FUNCTIONS:
                if (name, sampler, batch, seed) in done:
                    continue
                start = time.perf_counter()
                regret = study(optuna, name, sampler, batch, args.trials, seed)
                record = {
                    "function": name, "sampler": sampler, "batch": batch, "trials": args.trials, "seed": seed,
                    "regret": regret, "seconds": round(time.perf_counter() - start, 4), "version": optuna.__version__,
                }
                print(json.dumps(record), file=out, flush=True)


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def regrets(records):
    """Regrets by (function, batch) and sampler, in the order of the seeds."""
    found = collections.defaultdict(dict)
    for record in records:
        found[record["function"], record["batch"], record["sampler"]][record["seed"]] = record["regret"]
    return {key: np.array([by_seed[seed] for seed in sorted(by_seed)]) for key, by_seed in found.items()}


def ratio(ours, theirs, draws, random):
    """Ratio of medians, and its 95 % upper bound (percentile bootstrap over seeds, both sides drawn apart)."""
    def medians(values):
        return np.median(values[random.integers(0, len(values), (draws, len(values)))], axis=1)

    return np.median(ours) / np.median(theirs), np.quantile(medians(ours) / medians(theirs), 0.95)


def compare(args):
    ours, theirs = regrets(read(args.ours)), regrets(read(args.optuna))
    random = np.random.default_rng(0)
    samplers = [name for name in ("random", "sobol", "tpe") if any(key[2] == name for key in ours)]
    rivals = [name for name in RIVALS if any(key[2] == name for key in theirs)]
    words = {rival: rival.replace("_", ", ") for rival in rivals}
    heads = [*samplers, *(f"Optuna ({words[rival]})" for rival in rivals)]
    heads += [f"tpe / Optuna ({words[rival]})" for rival in rivals]
    print("| function | at once | " + " | ".join(heads) + " | seeds, ours and theirs |")
    print("|" + "---|" * (len(heads) + 3))
    for name in FUNCTIONS:
        for batch in sorted({key[1] for key in ours if key[0] == name}):
            columns = [ours.get((name, batch, sampler)) for sampler in samplers]
            others = [theirs.get((name, batch, rival)) for rival in rivals]
            cells = ["" if values is None else f"{np.median(values):.3g}" for values in [*columns, *others]]
            mine = ours.get((name, batch, "tpe"))
            for values in others:
                if mine is None or values is None:
                    cells.append("")
                    continue
                point, upper = ratio(mine, values, 10000, random)
                cells.append(f"{point:.2f} (≤ {upper:.2f})")
            seeds = [0 if mine is None else len(mine), *(0 if values is None else len(values) for values in others)]
            print(f"| {name} | {batch} | " + " | ".join(cells) + f" | {', '.join(map(str, seeds))} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("optuna", help="run Optuna; a file that is there goes on")
    one.add_argument("file")
    one.add_argument("--seeds", type=int, default=200)
    one.add_argument("--trials", type=int, default=100)
    one.add_argument("--batches", default="1,10,16")
    one.set_defaults(run=run_optuna)
    two = commands.add_parser("compare", help="the table")
    two.add_argument("ours")
    two.add_argument("optuna")
    two.set_defaults(run=compare)
    args = parser.parse_args()
    args.run(args)


main()
