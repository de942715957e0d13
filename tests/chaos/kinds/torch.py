"""libtorch's child: it is killed in the middle of its work; the run goes on with another, or says what happened."""

import os
import signal
import time
from pathlib import Path

import bits
from program import Failed, Skip

NAME = "torch"
CASES = (4, 60)
ALONE = True
SWEEP = "torch"


def ready(world):
    """Makes what the cases begin with."""
    if not os.access(world.program.path.with_name("focalsweep-torch"), os.X_OK):
        raise Skip("focalsweep-torch is not built")
    world.whole(SWEEP)


def play(case):
    """Kills a child, some cases two; a trial that failed of it is trained again."""
    case.begin(case.world.fresh(SWEEP))
    running = case.start(case.world.run_words())
    killed = 0
    for _ in range(case.random.randint(1, 2)):
        time.sleep(case.random.uniform(0, 1.5))
        children = children_of(running.pid)
        if children and running.alive():
            child = case.random.choice(children)
            try:
                os.kill(child, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
    said = running.ended().calm()
    case.tell(f"{killed} children killed\n{said.words()}")
    if said.code not in (0, 1, 3):
        raise Failed(f"exit code {said.code}", said.words())
    words = ("--resume", "--retry-failed") if said.code == 1 else ("--resume",)
    again = case.run(case.world.run_words(*words), name="resumed")
    if again.code != 0:
        raise Failed(f"cannot be resumed: exit code {again.code}", again.words())
    bits.near(case.folder / "run", case.world.finished(SWEEP) / "run")
    return f"{killed} killed: exit code {said.code}, then the same figures"


def children_of(pid):
    """The processes that a process started, whichever of its threads did."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in thread.read_text().split()]
        except OSError:
            continue
    return found
