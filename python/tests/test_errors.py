"""What the program says, read."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import focalsweep
from conftest import ROOT
from focalsweep.errors import InputError, ProgramError, SpecError, parse

WRAPPED = """warning: something else
  × column `creatinine` holds numbers (93.0 % of its cells), but also `<0.01` (2), `not
  │ measured` (1), first in row 41
  help: add to the sweep file
          data:
            csv: {na_values: ["<0.01", "not measured"]}
        `bad_values: missing` takes every cell as missing that does not
        fit its column
"""


def test_wrapped_lines_are_one_and_code_keeps_its_lines() -> None:
    error = parse(WRAPPED, 2)
    assert type(error) is InputError and error.path == ""
    assert error.faults[0].message.endswith("`<0.01` (2), `not measured` (1), first in row 41")
    assert error.hint == (
        'add to the sweep file\n  data:\n    csv: {na_values: ["<0.01", "not measured"]}\n'
        "`bad_values: missing` takes every cell as missing that does not fit its column"
    )


def test_words_that_are_no_faults_are_kept() -> None:
    assert str(parse("error: unexpected argument '--byy'\n\n  tip: a similar argument exists: '--by'\n", 2)) == (
        "unexpected argument '--byy'\n  hint: a similar argument exists: '--by'"
    )
    assert isinstance(parse("", 3), ProgramError)


def test_errors_travel() -> None:
    """Between processes, as joblib sends them."""
    said = "  × x: 2 faults\n\n  × train.epoch: unknown key\n  help: a\n\n  × seed: found `x`\n  help: b\n"
    error = parse(said, 2)
    assert isinstance(error, SpecError) and [fault.path for fault in error.faults] == ["train.epoch", "seed"]
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is SpecError and again.faults == error.faults and str(again) == str(error)
    assert isinstance(error, ValueError)


def test_one_version() -> None:
    """Cargo.toml, this package and what pip calls it."""
    manifest = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'^\[workspace\.package\]\nversion = "(.*)"', manifest, re.MULTILINE)
    assert found and found[1] == focalsweep._version.PROGRAM
    assert focalsweep.__version__ == re.sub(r"-dev$", ".dev0", found[1])
    assert Path(focalsweep.__file__).with_name("py.typed").exists()
