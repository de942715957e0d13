# %% [markdown]
# # Who dies in a car crash?
#
# 26,217 people in car crashes, of whom 1,180 died: a rare class. Which loss finds more of them, at what price in false
# alarms, and is the difference real? This notebook is made from `examples/crash.py` by `tools/make_notebook.py`.

# %%
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

import focalsweep

root = next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "data" / "crash.parquet").exists())
crash = pd.read_parquet(root / "data" / "crash.parquet")
crash["dead"].value_counts()

# %% [markdown]
# ## A sweep
#
# Six settings of focal loss and plain cross-entropy, each on three splits of the same rows. Keywords are the keys of a
# sweep file; the frame is kept in the run directory, so that the run can be gone on with.

# %%
run = focalsweep.sweep(
    crash,
    label="dead",
    positive="dead",
    parameters=[
        {"loss": "focal", "alpha": [0.25, 0.5, 0.75], "gamma": [0.0, 2.0]},
        {"loss": "bce"},
    ],
    train={"epochs": 30, "batch_size": 512},
    replicates=3,
    operating_point={"max_fpr": 0.05},
    out=Path(mkdtemp()) / "crash",
)
run

# %% [markdown]
# The first sentences are the answer: who ranks first, whether it can be told from plain cross-entropy, and how sure
# that is. Trials marked ≈ cannot be told from the first one on these rows.
#
# ## Another question to the same run
#
# Nothing is trained for it: what if a missed death costs as much as a hundred false alarms?

# %%
report = run.report(operating_point={"fn_cost": 100, "fp_cost": 1}, by="cost")
report.winner.parameters, report.winner.metrics["test_op_fn"], report.winner.metrics["test_op_fp"]

# %% [markdown]
# Tables are `pyarrow.Table`, or the frame that is asked for.

# %%
run.results("pandas").groupby(["loss", "alpha", "gamma"], dropna=False)[["val_auc", "test_auc", "test_op_fn"]].mean()

# %% [markdown]
# ## A model that scores new rows
#
# With imputation, scaling and levels as they were fitted in training, and the threshold of the operating point.

# %%
model = run.model()
new = crash.drop(columns="dead").head(5).assign(ageOFocc=[20, 40, 60, 80, None])
new.assign(score=model.predict_proba(new)[:, 1], flagged=model.flag(new))[["ageOFocc", "seatbelt", "score", "flagged"]]

# %% [markdown]
# ## The same as an estimator of scikit-learn

# %%
from sklearn.model_selection import cross_val_score

classifier = focalsweep.FocalSweepClassifier(alpha=[0.25, 0.5], epochs=10, random_state=0)
rows = crash.sample(5000, random_state=0)
cross_val_score(classifier, rows.drop(columns="dead"), rows["dead"] == "dead", cv=3, scoring="roc_auc")
