"""`FocalSweepClassifier` among scikit-learn's own tools."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import focalsweep
from focalsweep import FocalSweepClassifier, _inner

QUICK = {"epochs": 10, "batch_size": 256, "learning_rate": 0.01, "random_state": 0}

AT_HALF_EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "rows are dealt to parts, batches and scaled one by one, so rows "
    "that are there twice are other rows than one of weight 2",
}
"""Checks that fail with a threshold of 0.5 too, and why; so with any estimator that draws batches of rows."""

EXPECTED = AT_HALF_EXPECTED | {
    "check_classifiers_train": "predict is at the operating point, not where a probability passes 0.5",
}
"""Checks that fail, and why. scikit-learn's own FixedThresholdClassifier has the second."""


def named(check: Any) -> str:
    return getattr(check, "func", check).__name__


AT_HALF = FocalSweepClassifier(operating_point=None)
"""With the threshold that scikit-learn's checks take for granted."""


@pytest.mark.parametrize(
    "estimator, check", [*estimator_checks_generator(AT_HALF)], ids=lambda of: named(of) if callable(of) else ""
)
def test_check_estimator(estimator: Any, check: Any) -> None:
    if named(check) in AT_HALF_EXPECTED:
        # Of the rows that weigh anything one class has a single one, which cannot both train and choose.
        with pytest.raises((AssertionError, ValueError), match="not equivalent|1 row of"):
            check(estimator)
    else:
        check(estimator)


def test_as_it_comes_only_the_expected_checks_fail() -> None:
    found = check_estimator(FocalSweepClassifier(), expected_failed_checks=EXPECTED, on_skip=None)
    failed = {one["check_name"] for one in found if one["status"] == "xfail"}
    assert failed == set(EXPECTED) and len(found) >= 50


@pytest.fixture(scope="module")
def people(crash: pa.Table) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """3,000 of the crash data, text and gaps among them, and who died."""
    frame = crash.to_pandas().sample(3000, random_state=1).reset_index(drop=True)
    return frame.drop(columns="dead"), (frame["dead"] == "dead").map({True: "yes", False: "no"}).to_numpy()


def test_frames_arrays_and_their_models(people: Any) -> None:
    X, y = people
    model = FocalSweepClassifier(alpha=[0.25, 0.5], **QUICK).fit(X, y)
    assert list(model.feature_names_in_) == list(X.columns) and list(model.classes_) == ["no", "yes"]
    assert set(model.best_params_) >= {"loss", "alpha", "gamma"} and model.best_params_["alpha"] in (0.25, 0.5)
    proba = model.predict_proba(X)
    assert proba.shape == (3000, 2) and np.allclose(proba.sum(axis=1), 1)
    assert roc_auc_score(y == "yes", proba[:, 1]) > 0.7
    assert np.allclose(np.exp(model.predict_log_proba(X)), proba)
    decision = model.decision_function(X)
    assert ((decision > 0) == (model.predict(X) == "yes")).all() and 0 < (decision > 0).sum() < 1000
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="feature names should match|missing"):
        model.predict(X.drop(columns="airbag"))


def test_predict_is_the_operating_points(people: Any) -> None:
    """At most so many false alarms on the rows that chose; another rule, another threshold of the same model."""
    X, y = people
    few, many = (FocalSweepClassifier(operating_point={"max_fpr": fpr}, **QUICK).fit(X, y) for fpr in (0.02, 0.3))
    assert (few.predict_proba(X) == many.predict_proba(X)).all()
    assert few.threshold_ > many.threshold_
    rates = [(model.predict(X)[y == "no"] == "yes").mean() for model in (few, many)]
    assert rates[0] < 0.05 and 0.2 < rates[1] < 0.4


def test_the_first_class_can_be_the_rare_one(people: Any) -> None:
    X, y = people
    flipped = np.where(y == "yes", "a", "b")
    one, other = FocalSweepClassifier(**QUICK).fit(X, y), FocalSweepClassifier(positive="a", **QUICK).fit(X, flipped)
    assert (one.predict_proba(X)[:, 1] == other.predict_proba(X)[:, 0]).all()
    assert ((one.predict(X) == "yes") == (other.predict(X) == "a")).all()
    with pytest.raises(ValueError, match="expected one of"):
        FocalSweepClassifier(positive="c").fit(X, flipped)


def test_a_pickle_needs_no_files(people: Any, tmp_path: Path) -> None:
    X, y = people
    model = FocalSweepClassifier(**QUICK).fit(X, y)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    X.to_parquet(tmp_path / "x.parquet")
    code = """
import pickle, sys, pandas as pd
model = pickle.load(open(sys.argv[1] + "/model.pickle", "rb"))
print(repr(model.predict_proba(pd.read_parquet(sys.argv[1] + "/x.parquet"))[:, 1].sum()))
"""
    said = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    assert said.strip() == repr(model.predict_proba(X)[:, 1].sum())
    assert len(pickle.dumps(model)) < 100_000


def test_the_same_seed_gives_the_same_model_and_a_clone_keeps_everything(people: Any) -> None:
    X, y = people
    settings = {"loss": ["focal", "bce"], "hidden": [(4,), ()], "dropout": 0.1, "clip": 5.0}
    model = FocalSweepClassifier(**settings, metric="average_precision", **QUICK)
    assert clone(model).get_params() == model.get_params()
    one, other = (clone(model).fit(X, y) for _ in range(2))
    assert one._model == other._model
    assert (one.predict_proba(X) != clone(model).set_params(random_state=1).fit(X, y).predict_proba(X)).any()


def test_groups_stay_together(people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen in the table that the program is given."""
    X, y = people
    groups = np.arange(len(y)) // 10
    given: list[pa.Table] = []
    module = sys.modules["focalsweep.sklearn"]
    real = module.begin
    monkeypatch.setattr(module, "begin", lambda table, *rest: given.append(table) or real(table, *rest))
    FocalSweepClassifier(**QUICK).fit(X, y, groups=groups)
    part = given[0]["part"].to_numpy(zero_copy_only=False)[: len(y)]
    of_groups = {group: set(part[groups == group]) for group in np.unique(groups)}
    assert all(len(parts) == 1 for parts in of_groups.values())
    assert 0.15 < (part == "validation").mean() < 0.25
    FocalSweepClassifier(**QUICK).fit(X, y)
    part = given[1]["part"].to_numpy(zero_copy_only=False)[: len(y)]
    assert any(len(set(part[groups == group])) == 2 for group in np.unique(groups))


def test_groups_are_routed(people: Any) -> None:
    X, y = people
    groups = np.arange(len(y)) % 50
    with sklearn.config_context(enable_metadata_routing=True):
        model = FocalSweepClassifier(**QUICK).set_fit_request(groups=True)
        found = cross_validate(model, X, y, cv=GroupKFold(3), params={"groups": groups}, scoring="roc_auc")
    assert len(found["test_score"]) == 3 and found["test_score"].mean() > 0.6


def test_weights_enter_loss_and_choice(people: Any) -> None:
    """Weights that are all equal change nothing; those of one class move all probabilities its way."""
    X, y = people
    plain = FocalSweepClassifier(loss="bce", **QUICK).fit(X, y)
    equal = clone(plain).fit(X, y, sample_weight=np.full(len(y), 0.25))
    assert np.allclose(plain.decision_function(X), equal.decision_function(X), atol=1e-4)
    heavy = clone(plain).fit(X, y, sample_weight=np.where(y == "yes", 10.0, 1.0))
    assert heavy.predict_proba(X)[:, 1].mean() > 2 * plain.predict_proba(X)[:, 1].mean()
    # Rows of weight 0 are not there at all.
    half = np.arange(len(y)) % 2
    weighed, alone = clone(plain).fit(X, y, sample_weight=half), clone(plain).fit(X[half == 1], y[half == 1])
    assert np.allclose(weighed.decision_function(X), alone.decision_function(X), atol=1e-4)
    # Whatever is odd about them is told before anything is trained.
    for bad, why in [
        (np.ones(3), "inconsistent numbers"),
        (-np.ones(len(y)), "at least 0"),
        (np.full(len(y), np.nan), "at least 0"),
        (np.zeros(len(y)), "zero"),
        (np.ones((len(y), 2)), "2 axes"),
        (np.where(y == "yes", 1.0, 0.0), "one class"),
    ]:
        with pytest.raises(ValueError, match=why):
            FocalSweepClassifier(**QUICK).fit(X, y, sample_weight=bad)
    with pytest.raises(ValueError, match="smote"):
        FocalSweepClassifier(sampling="smote", **QUICK).fit(X, y, sample_weight=np.ones(len(y)))


def test_weights_are_routed(people: Any) -> None:
    X, y = people
    weights = np.where(y == "yes", 10.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = FocalSweepClassifier(loss="bce", **QUICK)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        given = cross_validate(model, X, y, cv=3, params={"sample_weight": weights}, return_estimator=True)
        plain = cross_validate(model, X, y, cv=3, return_estimator=True)
    means = [found["estimator"][0].predict_proba(X)[:, 1].mean() for found in (given, plain)]
    assert means[0] > 2 * means[1]


def test_among_the_tools_of_scikit_learn(people: Any) -> None:
    X, y = people
    model = FocalSweepClassifier(alpha=0.5, **QUICK)
    scores = cross_val_score(model, X, y == "yes", cv=3, scoring="average_precision", n_jobs=2)
    assert scores.mean() > 2 * (y == "yes").mean()
    calibrated = CalibratedClassifierCV(model, cv=2).fit(X, y)
    assert abs(calibrated.predict_proba(X)[:, 1].mean() - (y == "yes").mean()) < 0.02
    fixed = FixedThresholdClassifier(model, threshold=0.9, pos_label="yes").fit(X, y)
    assert ((fixed.predict(X) == "yes") == (fixed.estimator_.predict_proba(X)[:, 1] >= 0.9)).all()
    numbers = make_column_selector(dtype_include="number")
    words = make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(
        (SimpleImputer(strategy="median"), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    )
    pipeline = make_pipeline(columns, clone(model)).fit(X, y)
    assert roc_auc_score(y == "yes", pipeline.predict_proba(X)[:, 1]) > 0.75
    search = GridSearchCV(model, {"gamma": [0.0, 2.0]}, cv=2, scoring="roc_auc").fit(X, y)
    assert search.best_params_["gamma"] in (0.0, 2.0)


def test_gaps_and_new_levels_are_scored(people: Any) -> None:
    X, y = people
    model = FocalSweepClassifier(**QUICK).fit(X, y)
    new = X.head(4).copy()
    new.loc[0, "airbag"], new.loc[1, "airbag"], new.loc[2, "ageOFocc"] = None, "never seen", np.nan
    assert np.isfinite(model.decision_function(new)).all()


def test_what_cannot_be_fitted_says_why(people: Any) -> None:
    X, y = people
    times = X.assign(when=pd.Timestamp("2024-01-01"))
    with pytest.raises(ValueError, match="column when is timestamp.*\n.*hour"):
        FocalSweepClassifier().fit(times, y)
    with pytest.raises(ValueError, match="infinity"):
        FocalSweepClassifier().fit(X.assign(weight=np.inf), y)
    with pytest.raises(ValueError, match="1 row of"):
        FocalSweepClassifier().fit(np.eye(5), [0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match="share above 0"):
        FocalSweepClassifier(validation=1.5).fit(X, y)
    with pytest.raises(ValueError, match="did you mean `focal`"):
        FocalSweepClassifier(loss="fokal").fit(X, y)
    with pytest.raises(ValueError, match="expected such as"):
        FocalSweepClassifier(operating_point="max_fpr").fit(X, y)


def test_cores_are_given_and_taken_back() -> None:
    before = os.sched_getaffinity(0)
    with _inner.cores(1):
        code = "import os; print(len(os.sched_getaffinity(0)))"
        inside = subprocess.run([sys.executable, "-c", code], capture_output=True)
        assert inside.stdout.strip() == b"1"
    assert os.sched_getaffinity(0) == before
    with _inner.cores(-1):
        assert os.sched_getaffinity(0) == before


def test_types_survive(people: Any, tmp_path: Path) -> None:
    """Categories, booleans, text of digits: as in training, whatever rows come."""
    X, y = people
    X = X.assign(code=np.where(np.arange(len(y)) % 3, "01", "1"), old=X["ageOFocc"] > 60)
    X["sex"] = X["sex"].astype("category")
    model = FocalSweepClassifier(**QUICK).fit(X, y)
    whole = model.decision_function(X)
    assert (whole[:5] == model.decision_function(X.head(5))).all()
    table = pa.Table.from_pandas(X, preserve_index=False)
    pq.write_table(table, tmp_path / "x.parquet")
    assert (whole == model.decision_function(pd.read_parquet(tmp_path / "x.parquet"))).all()
