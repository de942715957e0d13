"""Runs the real program and says what came of it."""

import os
import resource
import select
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

#: Longer than anything here takes; what takes longer hangs.
PATIENCE = 120.0
#: More than anything here needs, in bytes; what takes more trusts a number that it read.
MEMORY = 1 << 30
#: What a panic, an abort or a backtrace leaves on stderr.
BUGS = ("panicked", "RUST_BACKTRACE", "has a bug", "memory allocation", "stack overflow", "terminate called")
#: The exit codes that the program has.
CODES = (0, 1, 2, 3, 130)


class Failed(Exception):
    """The program broke a promise: `label` is a short name for its kind, the text says what was seen."""

    def __init__(self, label, text):
        super().__init__(text)
        self.label = label


class Skip(Exception):
    """A disturbance that cannot be made here, and why."""


@dataclass
class Said:
    """What a process left: its exit code (negative: the signal that ended it), its words, what it took."""

    command: list
    code: int
    stdout: bytes
    stderr: str
    seconds: float
    memory: int

    def calm(self, killed=False):
        """Itself, having made sure that it neither panicked nor died nor ended in a code that means nothing."""
        for word in BUGS:
            if word in self.stderr:
                raise Failed("panic", self.words())
        if self.code < 0 and not (killed and self.code == -signal.SIGKILL):
            raise Failed(f"ended by signal {-self.code}", self.words())
        if self.code >= 0 and self.code not in CODES:
            raise Failed(f"exit code {self.code}", self.words())
        if self.code in (2, 3) and not self.stderr.strip():
            raise Failed("an error without a word", self.words())
        if self.memory > MEMORY:
            raise Failed("memory", f"{self.memory >> 20} MiB: {self.words()}")
        return self

    def words(self):
        """All of it for people."""
        return f"$ {shlex.join(map(str, self.command))}\nexit code {self.code}\n{self.stderr[-3000:]}"


@dataclass
class Running:
    """A process that was started, the leader of a group of its own."""

    command: list
    process: subprocess.Popen
    stdout: Path
    stderr: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self):
        """Its number."""
        return self.process.pid

    def alive(self):
        """Whether it has not ended. It is not reaped, so its number stays its own."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def signal(self, number):
        """Sends it a signal, if it has not ended."""
        if self.alive():
            os.kill(self.pid, number)

    def signal_child(self, number):
        """Sends a signal to the process that it started last, such as the one that strace follows."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        os.kill(int(children[-1]), number)

    def signal_group(self, number):
        """Sends a signal to it and all that it started."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def ended(self, patience=PATIENCE):
        """Waits for its end; one that does not come is a failure."""
        handle = os.pidfd_open(self.pid)
        try:
            ends = select.poll()
            ends.register(handle, select.POLLIN)
            came = ends.poll(max(0.0, self.started + patience - time.monotonic()) * 1000)
        finally:
            os.close(handle)
        if not came:
            self.signal_group(signal.SIGCONT)
            self.signal_group(signal.SIGKILL)
        _, status, used = os.wait4(self.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        said = Said(
            self.command,
            self.process.returncode,
            self.stdout.read_bytes(),
            self.stderr.read_bytes().decode(errors="replace"),
            time.monotonic() - self.started,
            used.ru_maxrss * 1024,
        )
        if not came:
            raise Failed("hang", said.words())
        return said


class Program:
    """The program, run in a folder with files for its words beside."""

    def __init__(self, path):
        self.path = Path(path).resolve()
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("RUST_BACKTRACE", "RUST_LOG", "COLUMNS", "NO_COLOR") and not name.startswith("SLURM_")
        }

    def start(self, folder, arguments, name="said", before=(), file_size=None):
        """Starts it in `folder`; `before` are words of a command that starts it, such as strace's."""
        command = [*before, str(self.path), *map(str, arguments)]
        stdout, stderr = Path(folder, f"{name}.stdout"), Path(folder, f"{name}.stderr")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

        with open(stdout, "wb") as out, open(stderr, "wb") as err:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=None if file_size is None else limit,
            )
        return Running(command, process, stdout, stderr)

    def run(self, folder, arguments, **how):
        """Runs it to its end."""
        return self.start(folder, arguments, **how).ended()
