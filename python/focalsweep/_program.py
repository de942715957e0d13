"""Where the program is, and how it is called."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from ._version import PROGRAM
from .errors import ProgramError, parse

VARIABLE = "FOCALSWEEP"
"""The variable of the environment that names another program."""

_HINT = f"`pip install focalsweep` brings it along; {VARIABLE} names another one"


def program() -> str:
    """Path of the program: as FOCALSWEEP says, else beside this Python, else on the PATH.

    It is of the same version as this package, else a `ProgramError`.

    >>> Path(program()).name
    'focalsweep'
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = shutil.which(named)
        if path is None:
            raise ProgramError(f"{VARIABLE} is {named}, which is no program", _HINT)
    else:
        beside = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")]
        found = (shutil.which("focalsweep", path=folder) for folder in [*beside, os.environ.get("PATH", os.defpath)])
        path = next((path for path in found if path), None)
        if path is None:
            raise ProgramError("the program `focalsweep` is neither beside this Python nor on the PATH", _HINT)
    path = os.path.abspath(path)
    _check_version(path, os.stat(path).st_mtime_ns)
    return path


@functools.lru_cache(maxsize=8)
def _check_version(path: str, _changed: int) -> None:
    """Asked once of each file."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except OSError as why:
        raise ProgramError(f"{path} does not start: {why}", _HINT) from why
    version = said.stdout.strip().removeprefix("focalsweep ")
    if version != PROGRAM:
        raise ProgramError(f"{path} is focalsweep {version or '?'}, expected {PROGRAM}, as this package is", _HINT)


def call(*arguments: str | os.PathLike[str], sent: bytes | None = None, ok: Sequence[int] = (0,)) -> tuple[bytes, str]:
    """What the program writes to stdout, and what it says on stderr.

    Any exit code but those of `ok` is an exception of `focalsweep.errors`.
    """
    words = [program(), *(os.fspath(word) for word in arguments)]
    # Without input stdin is empty rather than the caller's.
    done = subprocess.run(words, capture_output=True, input=sent or b"")
    said = done.stderr.decode(errors="replace")
    if done.returncode not in ok:
        raise parse(said, done.returncode)
    return done.stdout, said
