"""Soak: 5,000 epochs of one stack, and 2,000 jobs in one process. Memory and open files stay as they are at first.

`make soak`: some minutes. What is looked at is the time of training: from a quarter of it on, nothing may grow.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from program import Program

#: What memory may grow by from a quarter of the training on, in MiB: histories and rows that are kept.
GROWTH = 24
#: What open files may grow by.
FILES = 4

SPEC = """\
name: soak
data: {{source: rows.parquet, synth: {{rows: {rows}, features: 4, positives: {positives}}}, label: Class}}
split: {{test: 0.2, validation: 0.2}}
replicates: {replicates}
train: {{epochs: {epochs, early_stopping: none}, batch_size: 64}}
parameters: {{loss: {{value: focal}}, alpha: {{values: {alphas}}}, hidden: {{values: {hidden}}}}}
"""
#: Sizes of what is run.
SOAKS = {
    "5,000 epochs": {
        "rows": 2000, "positives": 200, "replicates": 1, "epochs": 5000, "alphas": [0.25, 0.75], "hidden": [[4]],
    },
    "2,000 jobs": {
        "rows": 100, "positives": 30, "replicates": 1000, "epochs": 20, "alphas": [0.5], "hidden": [[2], [3]],
    },
}


def used(pid):
    """Memory in MiB, open files and threads of a process; None where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if "VmRSS" not in fields:
        return None
    return int(fields["VmRSS"].split()[0]) / 1024, files, int(fields["Threads"])


def jobs(folder, words):
    """How many jobs have started and ended, as the log says."""
    log = folder / "run/log.txt"
    return log.read_text().count(words) if log.exists() else 0


def soak(program, folder, sizes):
    """Runs a sweep; answers what it took at each moment of its training."""
    (folder / "spec.yaml").write_text(SPEC.format(**sizes))
    running = program.start(folder, ["run", "spec.yaml", "--out", "run", "--devices", "cpu", "--no-progress"])
    samples = []
    results = folder / "run/results.parquet"
    while running.alive() and not results.exists():
        sample = used(running.pid)
        if sample is not None and jobs(folder, "job started"):
            samples.append(sample)
        time.sleep(0.05)
    said = running.ended(3600).calm()
    if said.code != 0:
        sys.exit(said.words())
    return samples, jobs(folder, "job ended"), said


def main():
    """Soaks, prints the figures, and ends with exit code 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).resolve().parents[2]
    parser.add_argument("--program", default=os.environ.get("FOCALSWEEP", here / "target/release/focalsweep"))
    program = Program(parser.parse_args().program)
    grew = False
    for name, sizes in SOAKS.items():
        folder = Path(tempfile.mkdtemp(prefix="focalsweep-soak-"))
        try:
            samples, ended, said = soak(program, folder, sizes)
        finally:
            shutil.rmtree(folder)
        quarter = samples[len(samples) // 4 :]
        memory, files, threads = (max(values) - quarter[0][place] for place, values in enumerate(zip(*quarter)))
        print(f"{name}: {ended} jobs in {said.seconds:.0f} s, {len(samples)} looks")
        for share in (0.05, 0.25, 0.5, 0.75, 0.999):
            looked = samples[int(len(samples) * share)]
            print(f"  at {share:4.0%} of the training: {looked[0]:6.1f} MiB, {looked[1]} files, {looked[2]} threads")
        print(f"  peak of the whole run {said.memory >> 20} MiB; grown since 25 %: {memory:.1f} MiB, {files} files")
        if memory > GROWTH or files > FILES or threads > FILES:
            print(f"  FAILED: more than {GROWTH} MiB, {FILES} files or {FILES} threads")
            grew = True
    sys.exit(grew)


if __name__ == "__main__":
    main()
