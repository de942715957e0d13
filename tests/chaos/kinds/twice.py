"""Two at once: a second process resumes a run at every point of the first's life, both held and let go at random."""

import signal
import time

from program import Failed
from world import inject

NAME = "twice"
CASES = (30, 400)
ALONE = False
SWEEPS = ("grid", "early")
#: States in which the first finds the run.
STATES = ("fresh", "interrupted", "finished", "killed")
#: What the one says that came second.
LOCKED = "another focalsweep is running"


def ready(world):
    """Makes what the cases begin with."""
    world.needs_strace()
    for sweep in SWEEPS:
        world.whole(sweep)
        for state in STATES:
            getattr(world, state)(sweep)


def play(case):
    """Starts two runs of one directory; never are there fewer rows after than before."""
    sweep, state = SWEEPS[case.number % 2], STATES[case.number // 2 % len(STATES)]
    case.begin(getattr(case.world, state)(sweep))
    words = case.world.run_words("--resume")
    before = case.rows()
    # The later of the two is held at a call that matters, so that the other's life goes on meanwhile.
    held = [f"{case.random.choice(['flock', 'openat', 'renameat'])}:delay_{case.random.choice(['enter', 'exit'])}="
            f"{case.random.randrange(1000, 200_000)}:when={case.random.randint(1, 40)}"]
    slow = case.random.random() < 0.5
    first = case.start(words, name="first", before=inject(held) if slow else ())
    time.sleep(case.random.choice([0.03, 0.3]) * case.random.random())
    second = case.start(words, name="second", before=() if slow else inject(held))
    for _ in range(case.random.randint(0, 4)):
        time.sleep(case.random.uniform(0, 0.05))
        one = case.random.choice([first, second])
        one.signal_group(signal.SIGSTOP)
        time.sleep(case.random.uniform(0, 0.05))
        one.signal_group(signal.SIGCONT)
    says = [first.ended(), second.ended()]
    for said in says:
        case.tell(said.words())
    for said in says:
        said.calm()
        if said.code != case.world.ends(sweep) and not (said.code == 3 and LOCKED in said.stderr):
            raise Failed(f"exit code {said.code} beside another", said.words())
    after = case.rows()
    if after < before or (after == 0 and 0 in (said.code for said in says)):
        raise Failed("rows lost", f"{before} rows before, {after} after")
    case.finish(sweep)
    return "one was told that it is locked" if any(said.code == 3 for said in says) else "one after the other"
