"""A run's tables, its answer and its models."""

from __future__ import annotations

import json
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import focalsweep
from conftest import CRASH, QUICK
from focalsweep._program import program
from focalsweep.report import Report


def test_tables_are_the_files(run: focalsweep.Run) -> None:
    for name in ("results", "history", "scores"):
        table = getattr(run, name)()
        assert table.equals(pq.read_table(run.path / f"{name}.parquet"))
        pandas, polars = getattr(run, name)("pandas"), getattr(run, name)("polars")
        assert isinstance(pandas, pd.DataFrame) and isinstance(polars, pl.DataFrame)
        assert len(pandas) == polars.height == table.num_rows > 0


def test_the_report_is_what_the_program_says(run: focalsweep.Run) -> None:
    words = [program(), "report", str(run.path), "--format", "json", "--by", "op_fn,auc", "--on", "test"]
    words += ["--operating-point", "fn_cost=100.0,fp_cost=1.0"]
    said = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    report = run.report(by=["op_fn", "auc"], on="test", operating_point={"fn_cost": 100.0, "fp_cost": 1.0})
    assert report.data == said
    assert report.winner is not None and report.winner.id == said["winner"]["trial_id"]
    assert [trial.id for trial in report.ranking] == [trial["trial_id"] for trial in said["ranking"]]
    assert [(claim.about, claim.difference, claim.p, claim.told) for claim in report.claims] == [
        (claim["about"], claim["difference"], claim["p"], claim["told"]) for claim in said["claims"]
    ]
    assert len(report.claims) > 0
    assert len(run.report(top=1).ranking) == 1


def test_bad_questions_say_what_was_expected(run: focalsweep.Run) -> None:
    with pytest.raises(focalsweep.InputError, match="recal") as found:
        run.report(by="op_recal")
    assert "op_recall" in str(found.value)
    with pytest.raises(focalsweep.InputError, match="max_fp"):
        run.report(operating_point={"max_fp": 0.1})
    with pytest.raises(focalsweep.InputError):
        run.model("ffffffff")


class Cells(HTMLParser):
    """Text of the cells, and which tags there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(html: str) -> Cells:
    cells = Cells()
    cells.feed(html)
    return cells


def test_a_notebook_shows_the_answer_and_the_table(run: focalsweep.Run) -> None:
    found = parsed(run._repr_html_())
    report = run.report()
    assert report.sentences[0] in found.text
    assert found.tags.count("tr") == 1 + len(report.ranking)
    assert "alpha" in found.text and "gamma" not in found.text, "only what was swept is a column"


def test_words_of_the_data_are_no_markup(run: focalsweep.Run) -> None:
    data = json.loads(json.dumps(run.report().data))
    data["answer"]["sentences"] = ["<script>alert(1)</script>"]
    data["warnings"] = ["a column `<img src=x>`"]
    for trial, word in zip(data["ranking"], ["<b>", "&amp;"]):
        trial["parameters"]["<i>"] = word
    found = parsed(Report(data)._repr_html_())
    assert set(found.tags) <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "small"}
    assert "<script>alert(1)</script>" in found.text and "&amp;" in found.text


def test_the_page(run: focalsweep.Run, tmp_path: Path) -> None:
    assert run.page() == run.path / "report.html"
    other = run.page(tmp_path / "other.html", on="test")
    assert "<html" in other.read_text()[:500].lower() and other.parent == tmp_path
    asked = run.page(operating_point="min_recall=0.9")
    assert asked != run.path / "report.html" and asked.is_file()


def test_models_are_the_programs(run: focalsweep.Run, crash: pa.Table, tmp_path: Path) -> None:
    """Scores of new rows within 1e-7 of `focalsweep predict` on the file."""
    model = run.model(run.report().ranking[1], 0, out=tmp_path / "model")
    out = tmp_path / "scores.csv"
    subprocess.run([program(), "predict", model.path, CRASH, "--out", out], check=True, capture_output=True)
    expected = pd.read_csv(out)
    for frame in (crash, crash.to_pandas(), pl.from_arrow(crash)):
        assert abs(model.predict_proba(frame)[:, 1] - expected["score"]).max() < 1e-7
        flagged = model.flag(frame)
        assert (flagged == expected["flagged"]).all() and 0 < flagged.sum() < len(flagged)
        assert ((model.decision_function(frame) > 0) == flagged).all()
    at_threshold = expected["raw"] >= expected["threshold_raw"]
    assert (at_threshold == expected["flagged"]).all() and (expected["raw"] == model.threshold_raw).any()
    assert focalsweep.Model(tmp_path / "model").threshold == model.threshold


def test_a_model_that_is_held_goes_with_its_last_user(run: focalsweep.Run) -> None:
    model = run.model()
    path = model.path
    assert path.is_dir()
    del model
    assert not path.exists()


def test_an_average_scores_too(crash: pa.Table, tmp_path: Path) -> None:
    run = focalsweep.sweep(
        CRASH, label="dead", positive="dead", parameters={"loss": "focal", "alpha": [0.2, 0.5, 0.8]},
        out=tmp_path / "run", **QUICK,
    )
    average = run.ensemble()
    assert average.card["kind"] == "ensemble"
    assert ((average.decision_function(crash) > 0) == average.flag(crash)).all()


def test_missing_columns_are_named(run: focalsweep.Run, crash: pa.Table) -> None:
    with pytest.raises(focalsweep.InputError, match="airbag"):
        run.model().scores(crash.drop_columns(["airbag"]))
    with pytest.raises(focalsweep.InputError, match="expected a DataFrame"):
        run.model().scores([[1, 2]])
