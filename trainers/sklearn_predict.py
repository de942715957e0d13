"""Scores rows with what sklearn_train.py kept: `predict: [python3, trainers/sklearn_predict.py]`.

A pickle runs code when it is read: only read models of your own.
"""
import json
import os
import pickle

import pandas as pd


def main():
    order = json.load(open(os.environ["FOCALSWEEP_PREDICT"]))
    with open(os.path.join(order["model"], "pipeline.pickle"), "rb") as file:
        model, words = pickle.load(file)
    rows = pd.read_parquet(order["data"])
    rows[words] = rows[words].astype(object).where(rows[words].notna(), "missing").astype(str)
    of = rows.drop(columns="row")
    score = model.predict_proba(of)[:, 1] if hasattr(model, "predict_proba") else model.decision_function(of)
    pd.DataFrame({"row": rows["row"], "score": score}).to_parquet(os.path.join(order["out"], "scores.parquet"))


if __name__ == "__main__":
    main()
