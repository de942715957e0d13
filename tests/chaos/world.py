"""Sweeps to disturb, what comes of them undisturbed, and run directories in every state that a run can be left in."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import bits
from program import Program, Skip

#: Words of every call of `run`.
QUIET = ("--no-progress", "--devices", "cpu")

#: Text of the sweeps. Sources are synthesised; `early` stops early, oversamples and confirms, `failing` has trials that
#: diverge, `torch` trains with libtorch.
SWEEPS = {
    "grid": """\
name: grid
data: {source: rows.csv, label: Class}
split: {test: 0.2, validation: 0.2}
replicates: 3
model: {hidden: [4]}
train: {epochs: 25, batch_size: 64, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {values: [0.25, 0.5, 0.75]}, gamma: {values: [0, 2]}}
launch: {slurm: {array_parallelism: 2}}
""",
    "early": """\
name: early
data: {source: rows.parquet, label: Class}
split: {test: 0.2, validation: 0.2}
replicates: 2
confirm: {trials: 1, replicates: 2}
model: {hidden: [4, 3], dropout: 0.2}
train: {epochs: 40, batch_size: 64, early_stopping: {metric: val_auc, patience: 3}}
parameters:
  loss: {value: focal}
  alpha: {values: [0.3, 0.8]}
  gamma: {values: [0, 2]}
  sampling: {values: [none, oversample]}
  learning_rate: {values: [1e-3, 1e-2]}
launch: {slurm: {array_parallelism: 2}}
""",
    "failing": """\
name: failing
data: {source: rows.parquet, label: Class}
split: {test: 0.2, validation: 0.2}
replicates: 1
model: {hidden: [4]}
train: {epochs: 25, batch_size: 64, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {values: [0.25, 0.5, 0.75]}, learning_rate: {values: [1e-3, 1e30, 3e-3]}}
""",
    "torch": """\
name: torch
data: {source: rows.parquet, label: Class}
split: {test: 0.2, validation: 0.2}
replicates: 2
model: {hidden: [4]}
train: {epochs: 60, batch_size: 32, backend: libtorch, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {values: [0.25, 0.75]}, gamma: {values: [0, 2]}}
""",
}
#: Exit code of each when nothing disturbs it.
ENDS = {"grid": 0, "early": 0, "failing": 1, "torch": 0}


def inject(what):
    """Words that run a program under strace with a fault in its system calls; what it prints stays in the folder."""
    calls = ",".join(one.split(":")[0] for one in what)
    faults = (word for one in what for word in ("-e", f"inject={one}"))
    return ("strace", "-f", "-o", "strace.txt", "-e", f"trace={calls}", *faults)


def lines(folder):
    """Lines in the journals of a folder's run."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("run/jobs/job-*.jsonl"))


class World:
    """Folders with a sweep, its data and a run, one for each state, made once and copied for each case."""

    def __init__(self, program, root, count):
        self.program = Program(program)
        self.count = count
        self.root = Path(root)
        self.wholes = {}
        self.states = {}
        self.traced = self.tracing()

    def tracing(self):
        """Whether strace can be used; else why not."""
        if shutil.which("strace") is None:
            return "there is no strace"
        command = ["strace", "-f", "--seccomp-bpf", "-qqq", "-e", "inject=chdir:error=EIO", "true"]
        tried = subprocess.run(command, capture_output=True, check=False)
        return None if tried.returncode == 0 else "strace does not work here: ptrace is not allowed"

    def needs_strace(self):
        """Skips where there is none."""
        if self.traced:
            raise Skip(self.traced)

    def run_words(self, *more):
        """The command line of a run of the sweep in a case's folder."""
        return ["run", "spec.yaml", "--out", "run", *QUIET, *more]

    def ends(self, sweep):
        """The exit code of a run of the sweep that nothing disturbs."""
        return ENDS[sweep]

    def fresh(self, sweep):
        """A folder with the sweep and its data, and no run."""
        return self.state(sweep, "fresh", lambda folder: None)

    def whole(self, sweep):
        """What an undisturbed run of the sweep says."""
        if sweep not in self.wholes:
            self.wholes[sweep] = bits.of_run(Path(self.finished(sweep), "run"))
        return self.wholes[sweep]

    def finished(self, sweep):
        """A finished run, and a model exported of it."""

        def make(folder):
            self.expect(folder, self.run_words(), ENDS[sweep])
            self.expect(folder, ["export", "run", "--trial", "best", "--out", "model"], 0)

        return self.state(sweep, "finished", make)

    def interrupted(self, sweep):
        """A run with Parquet files, journals and checkpoints, left by Ctrl-C as the first trials had ended."""
        self.needs_strace()
        return self.state(sweep, "interrupted", lambda folder: self.stop(folder, self.run_words(), signal.SIGINT))

    def killed(self, sweep):
        """A run that was killed as the first trials had ended: journals and no Parquet files."""
        self.needs_strace()

        def make(folder):
            # A thread's fdatasync: the journal's bytes, then its lines.
            self.expect(folder, self.run_words(), -9, before=inject(["fdatasync:signal=SIGKILL:when=2"]))

        return self.state(sweep, "killed", make)

    def stop(self, folder, words, number):
        """Sends a run or worker a signal once, as its first trials have ended, while others are under way."""
        # On one core a job has yet to begin when the first rows are there, and the thread that has them waits for this
        # long, so that the signal comes in time.
        slow = inject(["fdatasync:delay_exit=300000:when=2"])
        before = lines(folder)
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        try:
            running = self.program.start(folder, words, before=slow)
        finally:
            os.sched_setaffinity(0, cores)
        while running.alive() and lines(folder) == before:
            time.sleep(0.005)
        running.signal_child(number)
        said = running.ended()
        if said.code != 130:
            raise SystemExit(f"chaos cannot begin: exit code 130 was expected\n{said.words()}")

    def retried(self, sweep):
        """A finished run with failures that are being tried again, interrupted: it has jobs/retry.json."""
        self.needs_strace()

        def make(folder):
            self.expect(folder, self.run_words(), ENDS[sweep])
            words = self.run_words("--resume", "--retry-failed")
            self.expect(folder, words, -9, before=inject(["fdatasync:signal=SIGKILL:when=1"]))

        return self.state(sweep, "retried", make)

    def prepared(self, sweep):
        """A run directory made for workers."""
        return self.state(sweep, "prepared", lambda folder: self.expect(folder, self.run_words("--prepare"), 0))

    def worked(self, sweep):
        """The same, after a worker of the first job ended and one of the second was told to stop."""
        self.needs_strace()

        def make(folder):
            self.expect(folder, self.run_words("--prepare"), 0)
            self.expect(folder, ["worker", "run", "--job", "0", "--devices", "cpu"], 0)
            self.stop(folder, ["worker", "run", "--job", "1", "--devices", "cpu"], signal.SIGTERM)

        return self.state(sweep, "worked", make)

    def state(self, sweep, name, make):
        """A folder in which `make` has left a run, made once."""
        if (sweep, name) not in self.states:
            folder = self.root / f"{sweep}-{name}"
            folder.mkdir(parents=True)
            (folder / "spec.yaml").write_text(SWEEPS[sweep])
            source = "rows.csv" if "rows.csv" in SWEEPS[sweep] else "rows.parquet"
            shutil.copy(self.source(source), folder / source)
            make(folder)
            self.states[sweep, name] = folder
        return self.states[sweep, name]

    def source(self, name):
        """The data, made once."""
        path = self.root / name
        if not path.exists():
            synth = ["data", "synth", "--rows", "500", "--features", "4", "--positives", "100", "--out", str(path)]
            self.expect(self.root, synth, 0)
        return path

    def expect(self, folder, words, code, before=()):
        """Runs the program where nothing is to go wrong."""
        said = self.program.run(folder, words, before=before)
        if said.code != code:
            raise SystemExit(f"chaos cannot begin: exit code {code} was expected\n{said.words()}")
