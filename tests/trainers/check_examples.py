"""Whether the examples under trainers/ came to sensible figures: the crash data are easy to rank."""
import os
import subprocess
import sys

import pandas as pd

run, program, place = sys.argv[1:]
results = pd.read_parquet(os.path.join(run, "results.parquet"))
scores = pd.read_parquet(os.path.join(run, "scores.parquet"))
assert (results.state != "failed").all(), results[["trainer", "error"]].to_string()
finished = results[results.state == "finished"]
for row in finished.itertuples():
    assert row.test_auc > 0.8, (row.trainer, row.test_auc)
    assert 0 < row.test_brier < 0.1 and 0 <= row.threshold <= 1 and row.trainer_fingerprint, row
    model = os.path.join(run, "trainers", f"{row.trial_id}-r{row.replicate}", "model")
    assert os.listdir(model), model
    print(f"{row.trainer:<10} test AUC {row.test_auc:.4f}")
    if row.trainer == "torch":
        continue
    # What it kept scores the rows of the source as its training did.
    out = os.path.join(place, row.trial_id)
    for command in (["export", run, "--trial", row.trial_id, "--out", out],
                    ["predict", out, "data/crash.parquet", "--out", out + ".parquet"]):
        subprocess.run([program, *command], check=True, capture_output=True)
    predicted = pd.read_parquet(out + ".parquet").set_index("row")
    own = scores[scores.trial_id == row.trial_id].set_index("row")
    assert len(own) > 9000 and (predicted.score[own.index] - own.score).abs().max() < 1e-6, row.trainer
    print(f"{row.trainer:<10} scores {len(predicted)} rows as its training did")
assert not os.path.exists(os.path.join(run, "trainers", "inputs"))
torch = results[results.trainer == "torch"]
if len(torch):
    assert sorted(torch.state) == ["finished", "stopped", "stopped"] and sorted(torch.epochs_run) == [4, 4, 12], torch
    history = pd.read_parquet(os.path.join(run, "history.parquet")).merge(torch[torch.state == "finished"], on="trial_id")
    assert list(history.epoch) == list(range(1, 13)), history.epoch
    print("torch      goes on from where it paused")
