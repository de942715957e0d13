"""Makes a notebook of a script whose cells begin with `# %%`; comments of a cell `# %% [markdown]` are its text.

usage: make_notebook.py SCRIPT.py      writes SCRIPT.ipynb beside it, without outputs
"""

import json
import sys
from pathlib import Path


def cells(script):
    """Of each cell whether it is code, and its text."""
    for block in ("\n" + script).split("\n# %%")[1:]:
        head, _, body = block.partition("\n")
        lines = body.strip("\n").split("\n")
        if head.strip() == "[markdown]":
            yield False, "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)
        else:
            yield True, "\n".join(lines)


def notebook(script):
    """The notebook as text."""
    made = []
    for at, (code, text) in enumerate(cells(script)):
        cell = {"cell_type": "code" if code else "markdown", "id": f"cell-{at:02}", "metadata": {}}
        of_code = {"execution_count": None, "outputs": []} if code else {}
        made.append(cell | of_code | {"source": text.splitlines(True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.with_suffix(".ipynb").write_text(notebook(path.read_text()))
