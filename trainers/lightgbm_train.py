"""Trains LightGBM on a trial of focalsweep; `objective: focal` with `focal_alpha` and `focal_gamma` is focal loss.

    trainers: {gbm: {command: [python3, trainers/lightgbm_train.py], predict: [python3, trainers/lightgbm_predict.py]}}
    parameters: {trainer: {value: gbm}, num_leaves: {values: [15, 31]}, learning_rate: {value: 0.05}}

Needs lightgbm, pandas and pyarrow. Other parameters go to LightGBM as they are.
"""
import json
import os

import lightgbm as lgb
import numpy as np
import pandas as pd


def focal(alpha, gamma):
    """Gradient and Hessian of focal loss (Lin et al. 2017) in the raw score; q is the probability of the true class."""
    def objective(raw, rows):
        sign = 2 * rows.get_label() - 1
        q = np.clip(1 / (1 + np.exp(-sign * raw)), 1e-12, 1 - 1e-12)
        weight = np.where(sign > 0, alpha, 1 - alpha) * (1 - q) ** gamma
        gradient = sign * weight * (gamma * q * np.log(q) - (1 - q))
        hessian = weight * q * ((1 - q) * (gamma * np.log(q) + 2 * gamma + 1) - gamma**2 * q * np.log(q))
        # It is negative where the model is very wrong; there cross-entropy's, so weighted, bounds Newton's step.
        return gradient, np.maximum(hessian, weight * q * (1 - q))
    return objective


def main():
    trial = json.load(open(os.environ["FOCALSWEEP_TRIAL"]))
    parts = {name: pd.read_parquet(path) for name, path in trial["data"].items() if path}
    label, params = trial["label"], dict(trial["parameters"])
    words = parts["train"].select_dtypes(exclude=["number", "bool"]).columns
    levels = {name: sorted(parts["train"][name].dropna().map(str).unique()) for name in words}
    for name, part in ((name, part) for name in words for part in parts.values()):
        part[name] = pd.Categorical(part[name].map(str, na_action="ignore"), categories=levels[name])
    features = [name for name in parts["train"].columns if name not in (label, "row")]
    rounds = int(params.pop("num_boost_round", 2000))
    loss, prior = focal(params.pop("focal_alpha", 0.25), params.pop("focal_gamma", 2.0)), parts["train"][label].mean()
    init = float(np.log(prior / (1 - prior))) if params.get("objective") == "focal" else 0.0
    params["objective"] = loss if params.get("objective") == "focal" else "binary"
    params |= {"seed": trial["seed"], "num_threads": trial["threads"], "deterministic": True, "verbose": -1}
    params.setdefault("metric", "auc")
    rows = {name: lgb.Dataset(part[features], part[label], init_score=np.full(len(part), init))
            for name, part in parts.items() if name in ("train", "validation")}
    model = lgb.train(params, rows["train"], rounds, valid_sets=[rows["validation"]],
                      callbacks=[lgb.early_stopping(100, verbose=False)])
    scores = []
    for name in [name for name in parts if name != "train"]:
        raw = init + model.predict(parts[name][features], raw_score=True)
        scores.append(pd.DataFrame({"split": name, "row": parts[name]["row"], "score": 1 / (1 + np.exp(-raw))}))
    pd.concat(scores).to_parquet(os.path.join(trial["out"], "scores.parquet"))
    os.makedirs(kept := os.path.join(trial["out"], "model"))
    model.save_model(os.path.join(kept, "lightgbm.txt"))
    json.dump({"init": init, "levels": levels}, open(os.path.join(kept, "kept.json"), "w"))


if __name__ == "__main__":
    main()
