"""Scores rows with what lightgbm_train.py kept: `predict: [python3, trainers/lightgbm_predict.py]`."""
import json
import os

import lightgbm as lgb
import numpy as np
import pandas as pd


def main():
    order = json.load(open(os.environ["FOCALSWEEP_PREDICT"]))
    model = lgb.Booster(model_file=os.path.join(order["model"], "lightgbm.txt"))
    kept = json.load(open(os.path.join(order["model"], "kept.json")))
    rows = pd.read_parquet(order["data"])
    for name, levels in kept["levels"].items():
        rows[name] = pd.Categorical(rows[name].map(str, na_action="ignore"), categories=levels)
    raw = kept["init"] + model.predict(rows.drop(columns="row"), raw_score=True, num_threads=order["threads"])
    scores = pd.DataFrame({"row": rows["row"], "score": 1 / (1 + np.exp(-raw))})
    scores.to_parquet(os.path.join(order["out"], "scores.parquet"))


if __name__ == "__main__":
    main()
