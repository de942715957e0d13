"""Trains any classifier of scikit-learn, or one that looks like it, on a trial of focalsweep.

    trainers: {sk: {command: [python3, trainers/sklearn_train.py], predict: [python3, trainers/sklearn_predict.py]}}
    parameters: {trainer: {value: sk}, estimator: {value: sklearn.svm.SVC}, probability: {value: true}}

Needs scikit-learn, pandas and pyarrow. Other parameters go to the estimator as they are.
"""
import importlib
import inspect
import json
import os
import pickle

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def main():
    trial = json.load(open(os.environ["FOCALSWEEP_TRIAL"]))
    parts = {name: pd.read_parquet(path) for name, path in trial["data"].items() if path}
    label, params = trial["label"], dict(trial["parameters"])
    module, name = params.pop("estimator").rsplit(".", 1)
    estimator = getattr(importlib.import_module(module), name)
    # Of scikit-learn's own, nothing said is one thread, and some warn of a number that they do not use.
    threads = None if trial["threads"] == 1 and module.startswith("sklearn.") else trial["threads"]
    for name, value in (("random_state", trial["seed"]), ("n_jobs", threads)):
        if name in inspect.signature(estimator).parameters:
            params.setdefault(name, value)
    features = [name for name in parts["train"].columns if name not in (label, "row")]
    is_number = {name: pd.api.types.is_numeric_dtype(parts["train"][name]) for name in features}
    numbers = [name for name in features if is_number[name]]
    words = [name for name in features if not is_number[name]]
    for part in parts.values():
        part[words] = part[words].astype(object).where(part[words].notna(), "missing").astype(str)
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
        ),
        estimator(**params),
    )
    model.fit(parts["train"][features], parts["train"][label])
    scores = []
    for name in [name for name in parts if name != "train"]:
        rows = parts[name][features]
        # Without probabilities the trainer needs `output: score`.
        score = model.predict_proba(rows)[:, 1] if hasattr(model, "predict_proba") else model.decision_function(rows)
        scores.append(pd.DataFrame({"split": name, "row": parts[name]["row"], "score": score}))
    pd.concat(scores).to_parquet(os.path.join(trial["out"], "scores.parquet"))
    os.makedirs(os.path.join(trial["out"], "model"))
    with open(os.path.join(trial["out"], "model", "pipeline.pickle"), "wb") as out:
        pickle.dump((model, words), out)


if __name__ == "__main__":
    main()
