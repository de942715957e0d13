"""What goes wrong, with the place and the way out.

The program says on stderr what is wrong; `parse` makes it into exceptions, so that there is one reader of sweeps and
one set of messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BAD_INPUT = 2
"""The program's exit code for what the user gave."""

_TOP = (
    "name|data|split|replicates|confirm|seed|model|train|method|run_cap|wave|budget|target|early_terminate|trainers"
    "|parameters|operating_point|rank|launch|scores"
)
_PATH = rf"(?:{_TOP})(?:[.\[][\w.\[\]*-]+)?"
_KEY = re.compile(rf"^(?:`({_PATH})`|({_PATH}):|(\S+): unknown key)")
_PLACE = re.compile(r"^ +╭─\[(.*?)(?::(\d+):(\d+))?\]$")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    `path` is the key of the spec, such as ``train.epochs``; empty where no key is to blame. `hint` says what to do.
    """

    message: str
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class FocalsweepError(Exception):
    """Any error of this package. `faults` has all that was found wrong, `hint` what to do about the first."""

    def __init__(self, faults: str | list[Fault], hint: str = "") -> None:
        self.faults: list[Fault] = [Fault(faults, hint=hint)] if isinstance(faults, str) else faults
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type[FocalsweepError], tuple[list[Fault]]]:
        return type(self), (self.faults,)

    @property
    def hint(self) -> str:
        return self.faults[0].hint

    @property
    def path(self) -> str:
        """Key of the spec that the first fault is of; empty where none is to blame."""
        return self.faults[0].path


class InputError(FocalsweepError, ValueError):
    """What was given cannot be used: data, arguments, a directory."""


class SpecError(InputError):
    """The spec, or a key of it, does not fit: `faults` has every fault, with `path` and `hint`.

    >>> raise SpecError([Fault("train.epoch: unknown key", "train.epoch", "did you mean `epochs`?")])
    Traceback (most recent call last):
    focalsweep.errors.SpecError: train.epoch: unknown key
      hint: did you mean `epochs`?
    """


class ProgramError(FocalsweepError, RuntimeError):
    """The program is not there, is another version, or the machine does not do what it needs."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C: what was trained is saved in `path`, and `focalsweep.resume(path)` trains the rest."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"interrupted; `focalsweep.resume({path!r})` goes on")


def parse(stderr: str, code: int) -> FocalsweepError:
    """The exception for what the program said on stderr before it ended with `code`.

    >>> said = "  × x.yaml: 1 fault\\n\\n  × train.epoch: unknown key\\n  help: did you mean `epochs`?"
    >>> error = parse(said, 2)
    >>> type(error).__name__, error.path, error.hint
    ('SpecError', 'train.epoch', 'did you mean `epochs`?')
    """
    faults = _faults(stderr)
    if len(faults) > 1 and re.search(r": \d+ faults?\b", faults[0].message):
        faults = faults[1:]
    if code != BAD_INPUT:
        return ProgramError(faults)
    return (SpecError if any(fault.path for fault in faults) else InputError)(faults)


def _faults(text: str) -> list[Fault]:
    """The blocks that begin with `×`; where there is none, the last lines as they are."""
    faults: list[Fault] = []
    message: list[str] = []
    hint: list[str] = []
    part: list[str] | None = None

    def end() -> None:
        if message:
            said = _joined(message)
            key = _KEY.match(said)
            faults.append(Fault(said, next(filter(None, key.groups())) if key else "", _joined(hint)))
        message.clear()
        hint.clear()

    for line in text.splitlines():
        if line.startswith("  × "):
            end()
            part = message
            part.append(line[4:])
        elif line.startswith("  │ ") and part is message:
            part.append(line[4:])
        elif line.startswith("  help: ") and message:
            part = hint
            part.append(line[8:])
        elif line.startswith(" " * 8) and part is hint:
            part.append(line[8:])
        elif _PLACE.match(line) or not line.strip():
            part = None
    end()
    if faults:
        return faults
    lines = [line.removeprefix("error: ") for line in text.splitlines() if line.strip()]
    tips = [line.strip().removeprefix("tip: ") for line in lines if line.strip().startswith("tip: ")]
    return [Fault(lines[0] if lines else "the program ended without a word", hint=tips[0] if tips else "")]


def _joined(lines: list[str]) -> str:
    """Wrapped lines as one; those that are indented, and what follows them, keep their breaks."""
    if not lines:
        return ""
    text = lines[0].strip()
    for before, line in zip(lines, lines[1:]):
        kept = line.startswith(" ") or before.startswith(" ") and not line.startswith(" ")
        text += ("\n" + line.rstrip()) if kept else " " + line.strip()
    return text
