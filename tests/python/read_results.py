"""Reads a run directory with four readers, and sweep files with a JSON Schema checker that is not ours.

usage: read_results.py RUN_DIR SCHEMA
"""

import copy
import datetime
import json
import math
import re
import sys
from pathlib import Path

import duckdb
import jsonschema
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from safetensors.numpy import load_file

TABLES = ["results", "history", "scores", "curves"]
# A column to average and one to group by, for each table.
MEANS = {"results": ("val_auc", "loss"), "history": ("val_loss", "epoch"), "scores": ("score", "split"), "curves": ("tpr", "split")}


def check(holds, message):
    if not holds:
        sys.exit(f"read_results.py: {message}")


def same_everywhere(run):
    """Rows, columns and group means are the same for each reader."""
    for table in TABLES:
        path = str(run / f"{table}.parquet")
        value, group = MEANS[table]
        frames = {
            "pandas": pd.read_parquet(path),
            "polars": pl.read_parquet(path),
            "pyarrow": pq.read_table(path),
        }
        shapes = {name: (frame.shape, list(getattr(frame, "column_names", frame.columns))) for name, frame in frames.items()}
        relation = duckdb.sql(f"select * from '{path}'")
        shapes["duckdb"] = (relation.shape, relation.columns)
        check(len({repr(shape) for shape in shapes.values()}) == 1, f"{table}: shapes differ: {shapes}")
        check(shapes["duckdb"][0][0] > 0, f"{table} is empty")

        means = {
            "pandas": frames["pandas"].groupby(group, observed=True)[value].mean().to_dict(),
            "polars": dict(frames["polars"].group_by(group).agg(pl.col(value).cast(pl.Float64).mean()).iter_rows()),
            "duckdb": dict(duckdb.sql(f'select "{group}", avg("{value}") from \'{path}\' group by 1').fetchall()),
        }
        grouped = frames["pyarrow"]
        if pa.types.is_dictionary(grouped.schema.field(group).type):
            grouped = grouped.set_column(grouped.column_names.index(group), group, grouped[group].cast(pa.string()))
        grouped = grouped.group_by(group).aggregate([(value, "mean")]).to_pydict()
        means["pyarrow"] = dict(zip(grouped[group], grouped[f"{value}_mean"]))
        for reader, mean in means.items():
            check(mean.keys() == means["duckdb"].keys(), f"{table}: {reader} groups by {set(mean)}")
            for key, wanted in means["duckdb"].items():
                check(math.isclose(mean[key], wanted, rel_tol=1e-5), f"{table}: {reader} has {mean[key]} for {key}, DuckDB {wanted}")


def types(run):
    """Times are times, counts are whole numbers, words are words, in each reader."""
    path = str(run / "results.parquet")
    pandas = pd.read_parquet(path)
    polars = pl.read_parquet(path)
    duck = dict(zip(*(lambda relation: (relation.columns, map(str, relation.types)))(duckdb.sql(f"select * from '{path}'"))))
    for column in ["started_at", "finished_at"]:
        check(isinstance(pandas[column].dtype, pd.DatetimeTZDtype), f"pandas: {column} is {pandas[column].dtype}")
        check(polars[column].dtype == pl.Datetime("us", "UTC"), f"polars: {column} is {polars[column].dtype}")
        check(duck[column] == "TIMESTAMP WITH TIME ZONE", f"DuckDB: {column} is {duck[column]}")
        age = datetime.datetime.now(datetime.timezone.utc) - pandas[column].max().to_pydatetime()
        check(abs(age) < datetime.timedelta(hours=1), f"{column} is {age} ago")
    for column in ["val_fn", "test_tp", "batch_size"]:
        check(str(pandas[column].dtype) == "int64", f"pandas: {column} is {pandas[column].dtype}")
        check(polars[column].dtype == pl.Int64, f"polars: {column} is {polars[column].dtype}")
        check(duck[column] == "BIGINT", f"DuckDB: {column} is {duck[column]}")
    check(set(pandas["loss"]) == {"focal", "bce", "weighted_bce"}, f"losses: {set(pandas['loss'])}")
    check(pandas["alpha"].isna().any() and pandas["alpha"].notna().any(), "alpha is there for focal loss only")


def metadata(run):
    """Spec, versions and fingerprints are in each file."""
    manifest = json.loads((run / "manifest.json").read_text())
    for table in TABLES:
        found = {key.decode(): value.decode() for key, value in pq.read_schema(run / f"{table}.parquet").metadata.items()}
        check(json.loads(found["focalsweep.spec"])["name"] == manifest["name"], f"{table}: {found}")
        check(found["focalsweep.data_fingerprint"] == manifest["data_fingerprint"], f"{table}: {found}")
        check(json.loads(found["focalsweep.split_fingerprints"]) == manifest["split_fingerprints"], f"{table}: {found}")
        check(found["focalsweep.program"].startswith("focalsweep "), f"{table}: {found}")


def as_in_the_readme(run):
    """What people write first works, and all get the same answer."""
    results = pd.read_parquet(run / "results.parquet")
    pandas = results.groupby(["loss", "sampling", "alpha", "gamma"], dropna=False)[["val_auc", "val_fn"]].mean()
    best = pandas.sort_values("val_auc", ascending=False).iloc[0]

    polars = (
        pl.scan_parquet(run / "results.parquet")
        .group_by("loss", "sampling", "alpha", "gamma")
        .agg(pl.col("val_auc", "val_fn").mean())
        .sort("val_auc", descending=True)
        .collect()
    )
    duck = duckdb.sql(
        f"""select loss, sampling, alpha, gamma, avg(val_auc) auc, avg(val_fn) missed
            from '{run}/results.parquet' group by all order by auc desc"""
    ).fetchall()
    # Trials that differ in the initial bias only are averaged here, by everybody.
    check(len(pandas) == polars.height == len(duck), "as many settings for everybody")
    check(math.isclose(best["val_auc"], polars["val_auc"][0]) and math.isclose(best["val_auc"], duck[0][4]), "one best AUC")

    # Another threshold without training again: what a threshold of 0.3 would have missed.
    missed = duckdb.sql(
        f"""select r.trial_id, count(*) filter (label = 1 and score < 0.3) missed, any_value(r.val_fn) at_half
            from '{run}/scores.parquet' s join '{run}/results.parquet' r using (trial_id, replicate)
            where split = 'validation' and replicate = 0 group by 1"""
    ).fetchall()
    check(len(missed) == results["trial_id"].nunique(), "every trial has scores")
    check(all(lower <= at_half for _, lower, at_half in missed), "a lower threshold misses fewer")

    row = results.iloc[0]
    weights = load_file(run / "models" / f"{row['job_id'].rstrip('ab')}.safetensors")
    key = f"{row['trial_id']}-r{row['replicate']}/"
    weights = {name: tensor for name, tensor in weights.items() if name.startswith(key)}
    check(all(math.isfinite(float(abs(w).sum())) for w in weights.values()) and weights, "models are safetensors files")


def schema(path):
    """The sweep files are what the schema says, and faults are not."""
    schema = json.loads(Path(path).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sweeps = {file.name: yaml.load(file.read_text(), Loader) for file in Path("sweeps").glob("*.yaml")}
    check(len(sweeps) >= 4, f"sweeps/ has {sorted(sweeps)}")
    for name, sweep in sweeps.items():
        faults = [error.message for error in validator.iter_errors(sweep)]
        check(not faults, f"{name}: {faults}")
    broken = {
        "an unknown key": lambda s: s.update(epochs=3),
        "an unknown key below": lambda s: s["train"].update(epoch=3),
        "no name": lambda s: s.pop("name"),
        "no label": lambda s: s["data"].pop("label"),
        "no replicates": lambda s: s.update(replicates=0),
        "an unknown method": lambda s: s.update(method="bayes"),
        "a word for a number": lambda s: s["train"].update(epochs="many"),
        "a bare value": lambda s: s["parameters"].update(loss="focal"),
        "an unknown parameter": lambda s: s["parameters"].update(gama={"value": 2}),
        "an unknown loss": lambda s: s["parameters"]["loss"].update(value="fokal"),
        "half a range": lambda s: s["parameters"].update(alpha={"min": 0.1, "count": 5}),
        "an unknown activation": lambda s: s["model"].update(activation="gelu"),
        "two operating points": lambda s: s.update(operating_point={"max_fpr": 0.1, "min_recall": 0.5}),
        "parameters as text": lambda s: s.update(parameters="all"),
    }
    for name, spoil in broken.items():
        sweep = copy.deepcopy(sweeps["focal.yaml"])
        spoil(sweep)
        check(not validator.is_valid(sweep), f"the schema lets {name} through")


class Loader(yaml.SafeLoader):
    """YAML 1.2, as editors and focalsweep read it: in 1.1, which PyYAML reads, `1e-3` is text and the key `on` is true."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


def main():
    run, schema_path = Path(sys.argv[1]), sys.argv[2]
    same_everywhere(run)
    types(run)
    metadata(run)
    as_in_the_readme(run)
    schema(schema_path)
    versions = ", ".join(f"{module.__name__} {module.__version__}" for module in [pd, pa, pl, duckdb])
    print(f"read results, history and scores with {versions}; checked sweeps/*.yaml against the schema")


main()
