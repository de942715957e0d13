"""Trains a module of PyTorch's with focal loss on a trial of focalsweep: put your own in the place of `network`.

    trainers: {torch: {command: [python3, trainers/torch_train.py], inputs: prepared, timeout: 10m}}
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
    params = {"width": 16, "dropout": 0.5, "epochs": 30, "batch": 512, "rate": 1e-3, "focal_alpha": 0.25,
              "focal_gamma": 2.0} | trial["parameters"]
    torch.manual_seed(trial["seed"])
    torch.set_num_threads(trial["threads"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts = {name: pd.read_parquet(path) for name, path in trial["data"].items() if path}
    features = [name for name in parts["train"].columns if name not in (trial["label"], "row")]
    x = {name: torch.tensor(part[features].to_numpy("float32"), device=device) for name, part in parts.items()}
    y = torch.tensor(parts["train"][trial["label"]].to_numpy("float32"), device=device)
    model = network(len(features), params["width"], params["dropout"]).to(device)
    with torch.no_grad():
        model[-1].bias.fill_(math.log(y.mean() / (1 - y.mean())))  # begins at the prior
    adam = torch.optim.Adam(model.parameters(), lr=params["rate"])
    for epoch in range(1, params["epochs"] + 1):
        model.train()
        for rows in torch.randperm(len(y), device=device).split(params["batch"]):
            adam.zero_grad()
            loss = focal_loss(model(x["train"][rows])[:, 0], y[rows], params["focal_alpha"], params["focal_gamma"])
            loss.backward(), adam.step()
        print(json.dumps({"epoch": epoch, "train_loss": loss.item()}), flush=True)
    model.eval()
    with torch.no_grad():
        score = {name: model(x[name])[:, 0].double().sigmoid().cpu() for name in parts if name != "train"}
    scores = [pd.DataFrame({"split": name, "row": parts[name]["row"], "score": of}) for name, of in score.items()]
    pd.concat(scores).to_parquet(os.path.join(trial["out"], "scores.parquet"))
    os.makedirs(folder := os.path.join(trial["out"], "model"))
    torch.save(model.state_dict(), os.path.join(folder, "weights.pt"))


if __name__ == "__main__":
    main()
