"""Gradient and Hessian of focal loss in trainers/lightgbm_train.py against finite differences of the loss."""
import sys

import numpy as np

sys.path.insert(0, "trainers")
from lightgbm_train import focal  # noqa: E402


class Rows:
    def __init__(self, labels):
        self.labels = labels

    def get_label(self):
        return self.labels


def loss(raw, label, alpha, gamma):
    sign = 2 * label - 1
    q = 1 / (1 + np.exp(-sign * raw))
    return -np.where(label > 0, alpha, 1 - alpha) * (1 - q) ** gamma * np.log(q)


raw = np.linspace(-4, 4, 41)
for label in (np.zeros(41), np.ones(41)):
    for alpha, gamma in ((0.25, 2), (0.5, 1), (0.75, 3), (0.5, 0)):
        gradient, hessian = focal(alpha, gamma)(raw, Rows(label))
        at = lambda step: loss(raw + step, label, alpha, gamma)  # noqa: E731
        assert np.allclose(gradient, (at(1e-5) - at(-1e-5)) / 2e-5, atol=1e-8), (label[0], alpha, gamma)
        second = (at(1e-3) - 2 * at(0) + at(-1e-3)) / 1e-6
        q = 1 / (1 + np.exp(-(2 * label - 1) * raw))
        least = np.where(label > 0, alpha, 1 - alpha) * (1 - q) ** gamma * q * (1 - q)
        assert np.allclose(hessian, np.maximum(second, least), atol=1e-6), (label[0], alpha, gamma)
print("focal loss of LightGBM: gradient and Hessian are those of the loss")
