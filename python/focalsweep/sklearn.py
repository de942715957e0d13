"""A sweep as an estimator of scikit-learn."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from . import _inner
from .errors import InputError
from .run import Run
from .sweeps import begin, spec_text

if TYPE_CHECKING:
    from ._frames import Floats


class FocalSweepClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network for a rare class: loss and hyperparameters are swept, the best on rows that are set aside is kept.

    A parameter that says so may be a list of values: every combination is trained, all at once, and the one with the
    best `metric` on the validation rows is the model. It is held in the estimator as bytes, so that it pickles and
    needs no files.

    Parameters
    ----------
    loss : str or list, one or several of "focal", "bce", "weighted_bce", "asymmetric", "vs", "pairwise"
        The last three with their defaults (docs/losses.md).
    alpha, gamma : float or list
        Of focal loss: the weight of the positives, and how far rows that are easy already are turned down.
    pos_weight : float, list or None
        Of weighted_bce: the weight of a positive; None balances the classes.
    sampling : str or list, one or several of "none", "oversample", "undersample", "smote"
    learning_rate, weight_decay, dropout : float or list
    batch_size : int or list
    hidden : tuple of int, or list of tuples
        Widths of the hidden layers; `()` is logistic regression.
    activation, optimizer : str or list
    epochs : int or "auto"
    early_stopping : "auto", None or dict
        As `train.early_stopping` of a sweep file.
    clip : float or None
        Numbers are clipped to ± this after standardising.
    min_level_count : int
        Levels of text on fewer training rows share one column.
    validation : float
        Share of the rows that choose: when to stop, which values, and the threshold. Without a row of each class in
        both parts nothing is fitted.
    operating_point : str, dict or None
        The rule that puts the threshold of `predict`, on the rows that choose: such as "max_fpr=0.01", or
        `{"fn_cost": 100, "fp_cost": 1}`. None is a probability of 0.5.
    metric : str
        What chooses among the values: "auc", "average_precision", "op_fn" and so on (docs/report.md).
    positive : object
        The rare class. None is the second of `classes_`, which scikit-learn calls the positive one.
    n_jobs : int or None
        Cores to train on; None is 1, and -1 all of them.
    random_state : int, RandomState instance or None

    Notes
    -----
    `fit(X, y, sample_weight=…)`: rows count by their weights in the loss and in what chooses, values, epoch and
    threshold; rows of weight 0 are left out. Scaling and pooled levels count rows. `fit(X, y, groups=…)` keeps the rows
    of a group together when validation rows are set aside. In `cross_validate` that takes
    `set_fit_request(sample_weight=True, groups=True)`.

    `decision_function` is the logit less the threshold, so `predict` is the second class where it is above 0.
    `predict_proba` has the probabilities as they are: their argmax is another rule than `predict` unless
    `operating_point` is None.

    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(400, 3))
    >>> model = FocalSweepClassifier(gamma=[0, 2], epochs=30, random_state=0).fit(rows, rows[:, 0] > 1)
    >>> model.predict_proba(rows).shape, model.best_params_["loss"]
    ((400, 2), 'focal')
    """

    def __init__(
        self,
        loss: Any = "focal",
        alpha: Any = 0.25,
        gamma: Any = 2.0,
        pos_weight: Any = None,
        sampling: Any = "none",
        learning_rate: Any = 1e-3,
        weight_decay: Any = 0.0,
        dropout: Any = 0.5,
        batch_size: Any = 2048,
        hidden: Any = (16,),
        activation: Any = "relu",
        optimizer: Any = "adam",
        epochs: Any = "auto",
        early_stopping: Any = "auto",
        clip: float | None = None,
        min_level_count: int = 20,
        validation: float = 0.2,
        operating_point: Any = "max_fpr=0.01",
        metric: str = "auc",
        positive: Any = None,
        n_jobs: int | None = 1,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.gamma = gamma
        self.pos_weight = pos_weight
        self.sampling = sampling
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_size = batch_size
        self.hidden = hidden
        self.activation = activation
        self.optimizer = optimizer
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.clip = clip
        self.min_level_count = min_level_count
        self.validation = validation
        self.operating_point = operating_point
        self.metric = metric
        self.positive = positive
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> FocalSweepClassifier:
        """Trains on frames of pandas or polars (numbers, text, categories, booleans; gaps are missing), or arrays.

        `sample_weight`: by how much each row counts, at least 0. `groups`: whose each row is; rows of one are on one
        side of the split.
        """
        rows, y = self._rows(X, y, fit=True)
        if sample_weight is not None:
            rows, y, groups, sample_weight = _inner.weighed(rows, y, groups, sample_weight)
        positive = self._classes(y)
        random = check_random_state(self.random_state)
        parts = _inner.parts(positive, groups, self.validation, random)
        seed = int(random.randint(2**31 - 1))
        table, label, part, weight = _inner.with_parts(rows, positive, parts, sample_weight)
        point = None if self.operating_point is None else _inner.point(self.operating_point)
        spec = {
            "data": {"min_level_count": self.min_level_count, **({"clip": self.clip} if self.clip else {})},
            "split": {"by": "column", "column": part, **_inner.PARTS},
            "seed": seed,
            "train": {"epochs": self.epochs, "early_stopping": self.early_stopping},
            "operating_point": point or {"max_fpr": 0.01},
            "rank": {"by": [self.metric], "on": "validation"},
            "launch": {"devices": "cpu"},
        }
        with tempfile.TemporaryDirectory(prefix="focalsweep-") as folder, _inner.cores(self.n_jobs):
            path = Path(folder) / "run"
            try:
                # What it warns of is about rows and splits that the user did not give.
                text = spec_text(table, label, 1, self._parameters(), "fit", spec, weight)
                begin(table, text, path, None, False)
                model = Run(path).model()
                self._model = _inner.packed(model.path)
            except InputError as why:
                raise _inner.renamed(why, getattr(self, "feature_names_in_", range(rows.num_columns))) from why
        card = _inner.card(self._model)
        self.best_params_ = card["hyperparameters"]
        self.best_score_ = card["validation"].get(self.metric)
        self.threshold_ = None if point is None else card["threshold_raw"]
        return self

    def _classes(self, y: Any) -> Any:
        """Sets `classes_`; which rows are of the rare class, as 0 and 1."""
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"found one class, {self.classes_[0]!r}, expected two")
        wanted = self.classes_[1] if self.positive is None else self.positive
        if wanted not in self.classes_:
            raise ValueError(f"positive is {wanted!r}, expected one of {list(self.classes_)}")
        self._sign = 1.0 if wanted == self.classes_[1] else -1.0
        return (y == wanted).astype(np.int8)

    def _parameters(self) -> dict[str, Any]:
        """What is swept, of what the losses read."""
        losses = self.loss if isinstance(self.loss, list) else [self.loss]
        swept: dict[str, Any] = {"loss": losses, "sampling": self.sampling}
        if "focal" in losses:
            swept |= {"alpha": self.alpha, "gamma": self.gamma}
        if "weighted_bce" in losses and self.pos_weight is not None:
            swept["pos_weight"] = self.pos_weight
        names = ["learning_rate", "weight_decay", "dropout", "batch_size", "activation", "optimizer"]
        swept |= {name: getattr(self, name) for name in names}
        several = isinstance(self.hidden, list) and all(isinstance(one, (list, tuple)) for one in self.hidden)
        swept["hidden"] = {"values": [list(one) for one in (self.hidden if several else [self.hidden])]}
        return swept

    def _rows(self, X: Any, y: Any = "no_validation", *, fit: bool = False) -> tuple[pa.Table, Any]:
        """The features as the program reads them, and the label as an array."""
        frame = _inner.has_columns(X)
        options = {"skip_check_array": True} if frame else {"dtype": None, "ensure_all_finite": "allow-nan"}
        checked = validate_data(self, X, y, reset=fit, **options)
        X, y = checked if fit else (checked, None)
        if not frame:
            return _inner.of_array(X), y
        if fit:
            y = column_or_1d(y, warn=True)
            check_consistent_length(X, y)
        return _inner.of_frame(X), y

    def _raw(self, X: Any) -> Floats:
        """The logit of the second class."""
        check_is_fitted(self)
        return self._sign * _inner.score(self._model, self._rows(X)[0])

    def decision_function(self, X: Any) -> Floats:
        """How far each row is above the threshold, as a difference of logits, for the second class."""
        raw = self._raw(X)
        return self._sign * _inner.above(self._sign * raw, self.threshold_)

    def predict(self, X: Any) -> Any:
        """The class of each row, at the operating point."""
        second = self.decision_function(X) > 0
        return self.classes_[second.astype(int)]

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities in the order of `classes_`, [rows, 2]. Those of focal loss are not calibrated."""
        raw = self._raw(X)
        return np.stack([_inner.logistic(-raw), _inner.logistic(raw)], axis=1)

    def predict_log_proba(self, X: Any) -> Floats:
        """Their logarithms, exact where a probability is near 0 or 1."""
        raw = self._raw(X)
        return np.stack([-np.logaddexp(0.0, raw), -np.logaddexp(0.0, -raw)], axis=1)
