"""Trains a module of PyTorch's with focal loss on a trial of focalsweep: put your own in the place of `network`.

    trainers: {torch: {command: [python3, trainers/torch_train.py], inputs: prepared, resumable: true, timeout: 10m}}
    parameters: {trainer: {value: torch}, width: {values: [16, 64]}, focal_gamma: {min: 0, max: 4, count: 5}}

Needs torch, pandas and pyarrow. `inputs: prepared` are numbers, standardised and without gaps.
"""
import json
import math
import os

import pandas as pd
import torch
from torch.nn.functional import logsigmoid


def network(inputs, width, dropout):
    hidden = [torch.nn.Linear(inputs, width), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(width, 1))


def focal_loss(logits, targets, alpha, gamma):
    """Lin et al. 2017, from the logits; p_t is the probability of the true class."""
    log_pt, weight = logsigmoid(torch.where(targets > 0, logits, -logits)), torch.where(targets > 0, alpha, 1 - alpha)
    return -(weight * (-torch.expm1(log_pt)).clamp(min=1e-12) ** gamma * log_pt).mean()


def main():
    trial = json.load(open(os.environ["FOCALSWEEP_TRIAL"]))
    p = dict(width=16, dropout=0.5, batch=512, rate=1e-3, focal_alpha=0.25, focal_gamma=2.0) | trial["parameters"]
    torch.manual_seed(trial["seed"]), torch.set_num_threads(trial["threads"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts = {name: pd.read_parquet(path) for name, path in trial["data"].items() if path}
    features = [name for name in parts["train"].columns if name not in (trial["label"], "row")]
    x = {name: torch.tensor(part[features].to_numpy("float32"), device=device) for name, part in parts.items()}
    y = torch.tensor(parts["train"][trial["label"]].to_numpy("float32"), device=device)
    model, done = network(len(features), p["width"], p["dropout"]).to(device), 0
    torch.nn.init.constant_(model[-1].bias, math.log(y.mean() / (1 - y.mean())))  # begins at the prior
    adam = torch.optim.Adam(model.parameters(), lr=p["rate"])
    if trial["resume_from"]:
        weights, moments, random, done = torch.load(os.path.join(trial["resume_from"], "state.pt"), map_location="cpu")
        model.load_state_dict(weights), adam.load_state_dict(moments), torch.set_rng_state(random)
    for epoch in range(done + 1, trial["epochs"] + 1):
        for rows in torch.randperm(len(y)).to(device).split(p["batch"]):
            adam.zero_grad()
            loss = focal_loss(model(x["train"][rows])[:, 0], y[rows], p["focal_alpha"], p["focal_gamma"])
            loss.backward(), adam.step()
        print(json.dumps({"epoch": epoch, "train_loss": loss.item()}), flush=True)
    state = model.state_dict(), adam.state_dict(), torch.get_rng_state(), trial["epochs"]
    torch.save(state, os.path.join(trial["out"], "state.pt"))
    with torch.no_grad():
        score = {name: model.eval()(x[name])[:, 0].double().sigmoid().cpu() for name in parts if name != "train"}
    scores = [pd.DataFrame({"split": name, "row": parts[name]["row"], "score": of}) for name, of in score.items()]
    pd.concat(scores).to_parquet(os.path.join(trial["out"], "scores.parquet"))
    os.makedirs(folder := os.path.join(trial["out"], "model")), torch.save(state[0], os.path.join(folder, "weights.pt"))


if __name__ == "__main__":
    main()
