"""The program while it trains: how far it is, Ctrl-C, and how it ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from ._program import program
from .errors import FocalsweepError, Interrupted, parse

_SOME_FAILED = 1
_INTERRUPTED = 130
_EVERY = 1.0
"""Seconds between two looks at how far it is."""


def train(arguments: Sequence[str], run: Path, *, progress: bool | None) -> list[str]:
    """Runs `focalsweep ARGUMENTS`, which writes the run directory `run`, to its end, and gives what it warned of.

    `progress`: whether it is shown how far it is; None shows it on a terminal and in a notebook. Ctrl-C has the program
    save what it has, and raises `Interrupted`; a second one ends it at once.
    """
    words = [program(), *arguments, "--log-format", "json", "--no-progress"]
    # `guard` ends the program when its stdin closes: when this process is gone, however it went. In a session of its
    # own the program does not get the terminal's Ctrl-C, which is for us to hand on.
    process = subprocess.Popen(
        [words[0], "guard", "--", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    said = _Said(process.stderr)
    display = _display(progress)
    interrupts = 0
    started = time.monotonic()
    with process:
        while True:
            try:
                try:
                    process.wait(_EVERY)
                    break
                except subprocess.TimeoutExpired:
                    display.show(_how_far(words[0], run, time.monotonic() - started, interrupts))
            except KeyboardInterrupt:
                interrupts += 1
                _send(process, signal.SIGINT)
        if process.stdin:
            process.stdin.close()
        said.reader.join(5)
    display.end()
    code = process.returncode
    if code == _INTERRUPTED or code == -signal.SIGINT:
        if (run / "manifest.json").exists():
            raise Interrupted(str(run))
        raise KeyboardInterrupt
    if code not in (0, _SOME_FAILED):
        raise said.error(code)
    if code == _SOME_FAILED:
        counts = json.loads((run / "manifest.json").read_text())["counts"]
        said.warnings.append(f"{counts['failed']} of {counts['rows']} trainings failed: see `error` in the results")
    return said.warnings


def _send(process: subprocess.Popen[str], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


class _Said:
    """What the program says on stderr, a JSON object a line, read as it comes."""

    def __init__(self, stderr: IO[str] | None) -> None:
        self.warnings: list[str] = []
        self._errors: list[str] = []
        self._rest: list[str] = []
        self._help = ""
        self.reader = threading.Thread(target=self._read, args=(stderr,), daemon=True)
        self.reader.start()

    def _read(self, stderr: IO[str] | None) -> None:
        for line in stderr or ():
            try:
                event = json.loads(line)
            except ValueError:
                self._rest.append(line)
                continue
            message = str(event.get("message", ""))
            if "exit_code" in event:
                self._errors.append(message)
                self._help = str(event.get("help", ""))
            elif event.get("level") == "WARN" or message.startswith("warning: "):
                self.warnings.append(message.removeprefix("warning: "))

    def error(self, code: int) -> FocalsweepError:
        return parse("\n".join(self._errors) or "".join(self._rest), code)


def _how_far(path: str, run: Path, seconds: float, interrupts: int) -> str:
    """A line; what `focalsweep status` knows of a run that has begun."""
    parts = [f"{seconds:.0f} s"]
    if (run / "manifest.json").exists():
        done = subprocess.run([path, "status", str(run), "--format", "json"], capture_output=True, text=True)
        status: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        if status:
            rows = status["rows"]
            parts.insert(0, f"{rows['done']} of {rows['total']} rows")
            parts += [f"{rows['failed']} failed"] * bool(rows["failed"])
        if status.get("best"):
            parts.append(f"best val_auc {status['best']['val_auc']:.4f} ({status['best']['trial']})")
    else:
        parts.insert(0, "reading the data")
    if interrupts:
        parts.append("saving; once more ends it at once")
    return f"{run.name}: " + ", ".join(parts)


class _Silent:
    """Shows nothing."""

    def show(self, line: str) -> None: ...

    def end(self) -> None: ...


class _Terminal(_Silent):
    """One line, written over."""

    def show(self, line: str) -> None:
        width = max(shutil.get_terminal_size().columns - 1, 20)
        sys.stderr.write("\r\x1b[K" + line[:width])
        sys.stderr.flush()

    def end(self) -> None:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


class _Notebook(_Silent):
    """One output of the cell, replaced."""

    def __init__(self, display: Any) -> None:
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def show(self, line: str) -> None:
        self._handle.update({"text/plain": line}, raw=True)


class _Lines(_Silent):
    """A line now and then, where nobody can write over them."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, line: str) -> None:
        if time.monotonic() - self._last >= 10:
            self._last = time.monotonic()
            print(line, file=sys.stderr)


def _display(progress: bool | None) -> _Silent:
    if progress is False:
        return _Silent()
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if hasattr(shell, "kernel"):
        from IPython.display import display

        return _Notebook(display)
    if sys.stderr is not None and sys.stderr.isatty():
        return _Terminal()
    return _Lines() if progress else _Silent()
