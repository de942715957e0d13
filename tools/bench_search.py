"""Searches the same space on the same rows with focalsweep, Optuna and Ray Tune, and prints how far each came when.

    pip install optuna==5.0.0 "ray[tune]" torch pyarrow numpy
    python3 tools/bench_search.py DATA.parquet --label Class --positive 1 --out results.jsonl --seconds 600 --seeds 3 \\
        --program target/release/focalsweep
    python3 tools/bench_search.py table results.jsonl

The rows are dealt once a seed (64 % train, 16 % validate, 20 % test, by class) and written with a column that says so,
text as a column of 0 and 1 for each level;
all three read that file, fill gaps with the median of the training rows, scale by these and clip to [-5, 5]. The model is the same: layers of ReLU,
dropout, focal loss or cross-entropy, Adam; the space is that of sweeps/search.yaml; all maximise the AUC on the validation rows.

  focalsweep   `method: tpe`, 200 trials, `early_terminate: {type: hyperband}`, both cores; the whole command
  optuna       TPE (multivariate), SuccessiveHalvingPruner, PyTorch, one thread in each of two processes
  ray          ASHA over random draws, PyTorch, one core a trial, two at once

One JSON line a trial: who, data, seed, seconds since the program was started, validation and test AUC.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

EPOCHS, FIRST = 100, 11
HIDDEN = [[8], [16], [32], [64], [32, 16]]
BATCHES = [256, 1024, 2048]


def deal(args, seed, folder):
    """A copy of the data with a column `part`."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    table = pq.read_table(args.data)
    y = np.array([str(value.as_py()) == args.positive for value in table.column(args.label)], dtype=np.int8)
    part = np.empty(len(y), dtype=object)
    draw = np.random.default_rng(seed)
    for label in (0, 1):
        rows = draw.permutation(np.flatnonzero(y == label))
        a, b = int(0.64 * len(rows)), int(0.80 * len(rows))
        part[rows[:a]], part[rows[a:b]], part[rows[b:]] = "train", "validation", "test"
    is_number = {field.name: pa.types.is_floating(field.type) or pa.types.is_integer(field.type) for field in table.schema}
    numbers = [name for name in table.column_names if name != args.label and is_number[name]]
    dealt = table.select(numbers)
    for name in (name for name in table.column_names if name != args.label and not is_number[name]):
        values = np.array(table.column(name).to_pylist(), dtype=object)
        for level in sorted({value for value in values if value is not None}):
            dealt = dealt.append_column(f"{name}={level}", pa.array((values == level).astype(np.int8)))
    path = os.path.join(folder, f"rows-{seed}.parquet")
    dealt = dealt.append_column("label", pa.array(y)).append_column("part", pa.array(part.tolist()))
    pq.write_table(dealt, path)
    return path


def load(path):
    import pyarrow.parquet as pq
    table = pq.read_table(path)
    part = np.array(table.column("part").to_pylist())
    y = table.column("label").to_numpy().astype(np.float32)
    names = [name for name in table.column_names if name not in ("label", "part")]
    x = np.stack([table.column(name).to_numpy().astype(np.float32) for name in names], 1)
    x = np.where(np.isnan(x), np.nanmedian(x[part == "train"], axis=0), x)
    train = x[part == "train"]
    mean, std = train.mean(0), train.std(0)
    x = np.clip((x - mean) / np.where(std == 0, 1, std), -5, 5).astype(np.float32)
    return {name: (x[part == name], y[part == name]) for name in ("train", "validation", "test")}


def auc(y, score):
    negatives, positives = np.sort(score[y == 0]), score[y == 1]
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.sum() / (2 * len(positives) * len(negatives)))


def train(data, config, report):
    """Trains one model; `report(epoch, auc)` says whether to go on. Best validation AUC, and its epoch's test AUC."""
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(config["seed"])
    (xt, yt), (xv, yv), (xs, ys) = (data[part] for part in ("train", "validation", "test"))
    xt, yt, xv, xs = map(torch.from_numpy, (xt, yt, xv, xs))
    layers, width = [], xt.shape[1]
    for hidden in config["hidden"]:
        layers += [torch.nn.Linear(width, hidden), torch.nn.ReLU(), torch.nn.Dropout(config["dropout"])]
        width = hidden
    net = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
    with torch.no_grad():
        net[-1].bias.fill_(float(torch.log(yt.sum() / (len(yt) - yt.sum()))))
    optimizer = torch.optim.Adam(net.parameters(), lr=config["learning_rate"], eps=1e-7)
    best, waited = (0.0, 0.0), 0
    for epoch in range(1, EPOCHS + 1):
        net.train()
        order = torch.randperm(len(yt))
        for start in range(0, len(yt), config["batch_size"]):
            rows = order[start:start + config["batch_size"]]
            logit, y = net(xt[rows]).squeeze(1), yt[rows]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, y, reduction="none")
            if config["loss"] == "focal":
                wrong = 1 - torch.exp(-loss)
                loss = torch.where(y == 1, config["alpha"], 1 - config["alpha"]) * wrong ** config["gamma"] * loss
            optimizer.zero_grad(set_to_none=True)
            loss.sum().backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            found = auc(yv, net(xv).squeeze(1).numpy())
            waited += 1
            if found > best[0]:
                best, waited = (found, auc(ys, net(xs).squeeze(1).numpy())), 0
        if not report(epoch, best[0]) or waited >= 10:
            break
    return best


def note(args, who, seed, began, best):
    with open(args.out, "a", encoding="utf-8") as out:
        line = {"who": who, "data": os.path.basename(args.data), "seed": seed, "seconds": round(time.time() - began, 2),
                "validation": best[0], "test": best[1]}
        out.write(json.dumps(line) + "\n")


def optuna_worker(args, seed, path, store, began, worker):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data = load(path)

    def objective(trial):
        config = {"seed": seed, "loss": trial.suggest_categorical("loss", ["focal", "bce"]),
                  "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
                  "dropout": trial.suggest_float("dropout", 0, 0.7),
                  "hidden": HIDDEN[trial.suggest_categorical("hidden", list(range(len(HIDDEN))))],
                  "batch_size": trial.suggest_categorical("batch_size", BATCHES)}
        if config["loss"] == "focal":
            config |= {"alpha": trial.suggest_float("alpha", 0.05, 0.95), "gamma": trial.suggest_float("gamma", 0, 5)}
        pruned = []

        def report(epoch, value):
            trial.report(value, epoch)
            if trial.should_prune():
                pruned.append(epoch)
            return not pruned and time.time() - began < args.seconds

        best = train(data, config, report)
        if pruned:
            raise optuna.TrialPruned
        note(args, "optuna", seed, began, best)
        return best[0]

    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(store))
    sampler = optuna.samplers.TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed * 2 + worker)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=FIRST, reduction_factor=3)
    study = optuna.create_study(study_name="s", storage=storage, sampler=sampler, pruner=pruner, direction="maximize",
                                load_if_exists=True)
    study.optimize(objective, timeout=max(1, args.seconds - (time.time() - began)))


def run_optuna(args, seed, path, folder):
    began, store = time.time(), os.path.join(folder, f"optuna-{seed}.log")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=optuna_worker, args=(args, seed, path, store, began, n)) for n in range(2)]
    for worker in workers:
        worker.start()
        time.sleep(0.5)
    for worker in workers:
        worker.join()


def run_ray(args, seed, path, folder):
    began = time.time()
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    data = ray.put(load(path))

    def trial(config):
        config = {**config, "hidden": HIDDEN[config["hidden"]], "seed": seed}

        def report(epoch, value):
            tune.report({"auc": value, "epoch": epoch})
            return True

        best = train(ray.get(data), config, report)
        note(args, "ray", seed, began, best)

    space = {"loss": tune.choice(["focal", "bce"]), "learning_rate": tune.loguniform(1e-4, 1e-1),
             "dropout": tune.uniform(0, 0.7), "hidden": tune.choice(list(range(len(HIDDEN)))),
             "batch_size": tune.choice(BATCHES), "alpha": tune.uniform(0.05, 0.95), "gamma": tune.uniform(0, 5)}
    np.random.seed(seed)
    scheduler = ASHAScheduler(time_attr="epoch", max_t=EPOCHS, grace_period=FIRST, reduction_factor=3)
    tuner = tune.Tuner(tune.with_resources(trial, {"cpu": 1}), param_space=space,
                       tune_config=tune.TuneConfig(metric="auc", mode="max", num_samples=-1, scheduler=scheduler,
                                                   time_budget_s=max(1, args.seconds - (time.time() - began))),
                       run_config=tune.RunConfig(verbose=0, storage_path=os.path.join(folder, "ray")))
    try:
        tuner.fit()
    except Exception as why:  # trials that the time limit ended before their first report
        print(f"ray: {str(why).splitlines()[0]}", file=sys.stderr)
    ray.shutdown()


SWEEP = """
name: search-{seed}
data: {{source: {path}, label: label, positive: 1, clip: 5}}
split: {{by: column, column: part, train: [train], validation: [validation], test: [test]}}
seed: {seed}
method: tpe
run_cap: 200
budget: {budget}s
early_terminate: {{type: hyperband}}
train: {{epochs: 100, early_stopping: {{metric: val_auc, patience: 10}}}}
rank: {{by: [auc]}}
parameters:
  - {{loss: {{value: focal}}, alpha: {{min: 0.05, max: 0.95}}, gamma: {{min: 0, max: 5}}, {rest}}}
  - {{loss: {{value: bce}}, {rest}}}
"""
REST = ("learning_rate: {min: 1e-4, max: 1e-1, distribution: log_uniform_values}, dropout: {min: 0, max: 0.7}, "
        f"hidden: {{values: {HIDDEN}}}, batch_size: {{values: {BATCHES}}}")


def run_focalsweep(args, seed, path, folder):
    import pyarrow.parquet as pq
    spec, out = os.path.join(folder, f"ours-{seed}.yaml"), os.path.join(folder, f"ours-{seed}")
    with open(spec, "w", encoding="utf-8") as file:
        file.write(SWEEP.format(seed=seed, path=path, rest=REST, budget=int(args.seconds)))
    began = time.time()
    subprocess.run([args.program, "run", spec, "--out", out, "--no-progress"], check=True, stderr=subprocess.DEVNULL)
    whole = time.time() - began
    rows = pq.read_table(os.path.join(out, "results.parquet")).to_pylist()
    for row in sorted(rows, key=lambda row: row["finished_at"]):
        if row["state"] == "finished":
            seconds = row["finished_at"].timestamp() - began
            with open(args.out, "a", encoding="utf-8") as file:
                file.write(json.dumps({"who": "focalsweep", "data": os.path.basename(args.data), "seed": seed,
                                       "seconds": round(seconds, 2), "whole": round(whole, 2),
                                       "validation": row["val_auc"], "test": row["test_auc"]}) + "\n")


def table(path):
    """Best validation AUC so far and its test AUC, mean over the seeds, at some seconds."""
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    whole = [line["whole"] for line in lines if "whole" in line]
    times = sorted({5, 10, 30, 60, 120, 300, 600} & set(range(int(max(line["seconds"] for line in lines)) + 60)))
    print("| data | | " + " | ".join(f"{at} s" for at in times) + " |")
    print("|---|---|" + "---|" * len(times))
    for data in sorted({line["data"] for line in lines}):
        for who in ("focalsweep", "optuna", "ray"):
            cells = []
            for at in times:
                of_seed = []
                for seed in sorted({line["seed"] for line in lines}):
                    mine = [(line["validation"], line["test"]) for line in lines
                            if (line["data"], line["who"], line["seed"]) == (data, who, seed) and line["seconds"] <= at]
                    of_seed += [max(mine)] if mine else []
                mean = np.mean(of_seed, axis=0) if of_seed else None
                cells.append("–" if mean is None else f"{mean[0]:.4f} / {mean[1]:.4f} ({len(of_seed)})")
            print(f"| {data} | {who} | " + " | ".join(cells) + " |")
    print(f"\nfocalsweep, whole commands: {min(whole):.1f} to {max(whole):.1f} s")


def main():
    if sys.argv[1:2] == ["table"]:
        return table(sys.argv[2])
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--label", default="Class")
    parser.add_argument("--positive", default="1")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--who", default="focalsweep,optuna,ray")
    parser.add_argument("--program", default="focalsweep")
    args = parser.parse_args()
    args.out = os.path.abspath(args.out)
    runs = {"focalsweep": run_focalsweep, "optuna": run_optuna, "ray": run_ray}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seeds):
            path = deal(args, seed, folder)
            for who in args.who.split(","):
                runs[who](args, seed, path, folder)


if __name__ == "__main__":
    main()
