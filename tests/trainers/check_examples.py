"""Whether the examples under trainers/ came to sensible figures: the crash data are easy to rank."""
import os
import sys

import pandas as pd

run = sys.argv[1]
results = pd.read_parquet(os.path.join(run, "results.parquet"))
assert (results.state == "finished").all(), results[["trainer", "error"]].to_string()
for row in results.itertuples():
    assert row.test_auc > 0.8, (row.trainer, row.test_auc)
    assert 0 < row.test_brier < 0.1 and 0 <= row.threshold <= 1 and row.trainer_fingerprint, row
    model = os.path.join(run, "trainers", f"{row.trial_id}-r{row.replicate}", "model")
    assert os.listdir(model), model
    print(f"{row.trainer:<10} test AUC {row.test_auc:.4f}")
assert not os.path.exists(os.path.join(run, "trainers", "inputs"))
