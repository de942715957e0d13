"""Pauses: a run is stopped and let go on at random moments, as by Ctrl-Z, a debugger or a suspended machine."""

import signal
import time

from program import Failed

NAME = "pauses"
CASES = (10, 300)
ALONE = False
SWEEPS = ("grid", "early")


def ready(world):
    """Makes what the cases begin with."""
    for sweep in SWEEPS:
        world.whole(sweep)


def play(case):
    """Stops a run a few times; it ends as if nothing had been."""
    sweep = SWEEPS[case.number % 2]
    case.begin(case.world.fresh(sweep))
    running = case.start(case.world.run_words())
    for _ in range(case.random.randint(1, 6)):
        time.sleep(case.random.uniform(0, 0.06))
        running.signal(signal.SIGSTOP)
        time.sleep(case.random.uniform(0, 0.06))
        running.signal(signal.SIGCONT)
    said = running.ended().calm()
    case.tell(said.words())
    if said.code != case.world.ends(sweep):
        raise Failed(f"exit code {said.code} after a pause", said.words())
    case.same(sweep)
    return "same bits"
