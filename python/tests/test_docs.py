"""Snippets of docs/python.md and of the README, commands of the tutorial, and the example notebook, as a reader would
run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT

PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(page: str) -> list[tuple[int, str]]:
    """Line and text of each."""
    text = (ROOT / page).read_text()
    return [(text[: found.start()].count("\n") + 2, found[1]) for found in PYTHON.finditer(text)]


def test_every_snippet_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, in one session, beside data/crash.parquet; `>>>` of comments is what is printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    names: dict[str, Any] = {"__name__": "snippets"}
    found = snippets("docs/python.md")
    assert len(found) >= 8
    for line, text in found:
        if "from focalsweep.integrations" in text or "trial.load()" in text:
            compile(text, f"docs/python.md:{line}", "exec")
            continue
        # So that a traceback has the line of the page.
        code = compile("\n" * (line - 1) + text, "docs/python.md", "exec")
        exec(code, names)


def test_the_snippet_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = (text for _, text in snippets("README.md") if "import focalsweep" in text)
    frame = crash.to_pandas().head(3000)
    exec(text, {"frame": frame, "new": frame.head(3)})


def test_the_trainer_of_the_page_trains(tmp_path: Path) -> None:
    """It is the one snippet that a sweep runs."""
    import focalsweep
    from conftest import CRASH

    (text,) = (text for _, text in snippets("docs/python.md") if "trial.load()" in text)
    (tmp_path / "trainer.py").write_text(text)
    run = focalsweep.sweep(
        CRASH,
        label="dead",
        positive="dead",
        parameters={"trainer": "forest", "n_estimators": 20, "min_samples_leaf": [5, 20]},
        trainers={"forest": {"command": [sys.executable, str(tmp_path / "trainer.py"), "${args}"]}},
        out=tmp_path / "run",
    )
    results = run.results("pandas")
    assert (results["state"] == "finished").all() and (results["test_auc"] > 0.55).all()


def commands(page: str, heading: str = "") -> list[str]:
    """Indented lines of a page, or of the part under a heading: what a reader types."""
    text = (ROOT / page).read_text().split(f"## {heading}" if heading else "\n", 1)[1]
    lines = (text.split("\n## ", 1)[0] if heading else text).splitlines()
    return [line.strip() for line in lines if re.match(r"    (focalsweep|python3) ", line)]


def typed(lines: list[str], folder: Path) -> None:
    """Types them, one after the other. A page is not opened, and nobody sits before a run that is watched."""
    bin = folder / "bin"
    bin.mkdir()
    (bin / "focalsweep").symlink_to(Path(os.environ["FOCALSWEEP"]).absolute())
    path = os.pathsep.join([str(bin), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": ""}
    for line in lines:
        if line.startswith("focalsweep open "):
            continue
        said = subprocess.run(["bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert said.returncode == 0, f"{line}\n{said.stdout}{said.stderr}"


def test_every_command_of_the_tutorial_runs(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    lines = commands("docs/tutorial.md")
    assert len(lines) >= 9
    # The rows to come are the reader's own.
    typed([lines[0], "head -n 500 crash.csv >new.csv", *lines[1:]], tmp_path)
    assert len((tmp_path / "scored.csv").read_text().splitlines()) == 500
    assert (tmp_path / "model.onnx").stat().st_size > 1000


def test_the_commands_on_your_own_data_of_the_readme_run(tmp_path: Path) -> None:
    program = os.environ["FOCALSWEEP"]
    synth = [program, "data", "synth", "--rows", "3000", "--features", "4", "--positives", "150", "--out", "made.csv"]
    subprocess.run(synth, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "cards.csv").write_text((tmp_path / "made.csv").read_text().replace("Class", "is_fraud", 1))
    lines = commands("README.md", "Your own data")
    assert [line.split()[1] for line in lines] == ["init", "run", "report", "watch", "open", "index", "export"]
    typed(lines, tmp_path)
    assert (tmp_path / "model.onnx").exists() and (tmp_path / "runs" / "index.html").exists()


def test_the_notebook_is_its_script_and_runs(tmp_path: Path) -> None:
    """As nbconvert executes it; the answer and the tables are there as HTML, and no cell failed."""
    nbformat = pytest.importorskip("nbformat")
    nbconvert = pytest.importorskip("nbconvert")
    from nbconvert.preprocessors import ExecutePreprocessor

    sys.path.insert(0, str(ROOT / "tools"))
    import make_notebook

    made = make_notebook.notebook((ROOT / "examples" / "crash.py").read_text())
    assert (ROOT / "examples" / "crash.ipynb").read_text() == made, "run tools/make_notebook.py examples/crash.py"
    notebook = nbformat.reads(made, as_version=4)
    nbformat.validate(notebook)
    place = {"metadata": {"path": str(ROOT / "examples")}}
    ExecutePreprocessor(timeout=120, kernel_name="python3").preprocess(notebook, place)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    html = [one["data"].get("text/html", "") for one in outputs if one["output_type"] == "execute_result"]
    answer = [one for one in html if "ranks first of 7" in one]
    assert len(answer) == 1 and answer[0].count("<tr>") == 8
    assert not [one for one in outputs if one["output_type"] == "error"]
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert "ranks first of 7" in page
