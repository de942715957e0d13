"""Kills: at every file operation, and at random moments, several times in one run; then the run is resumed."""

import signal
import time

import points
from world import inject

NAME = "kills"
CASES = (40, 1500)
ALONE = False
#: A sweep for even and one for odd numbers.
SWEEPS = ("grid", "early")


def ready(world):
    """Makes what the cases begin with: the file operations of a run, and of one that is resumed."""
    for sweep in SWEEPS:
        world.whole(sweep)
    world.kill_points = []
    if world.traced is None:
        for sweep in SWEEPS:
            begun = [(sweep, "fresh", point) for point in points.of(world, world.fresh(sweep), world.run_words())]
            words = world.run_words("--resume")
            resumed = [(sweep, "interrupted", p) for p in points.of(world, world.interrupted(sweep), words)]
            world.kill_points += begun + resumed
        print(f"kills: {len(world.kill_points)} file operations to be killed at", flush=True)
    else:
        print(f"kills: at random moments only: {world.traced}", flush=True)


def play(case):
    """Kills a run, perhaps again as it is resumed, and resumes it to its end."""
    count = len(case.world.kill_points)
    # First every operation once, evenly spread where there are fewer cases; then by chance.
    planned = min(count, case.of_cases(CASES) * 3 // 4)
    if case.number < planned:
        sweep, state, point = case.world.kill_points[case.number * count // planned]
        at_operation(case, sweep, state, point)
    else:
        sweep = SWEEPS[case.number % 2]
        at_random(case, sweep)
    if case.random.random() < 0.3:
        killed_at(case, case.random.uniform(0, 0.15))
    case.finish(sweep)
    return "same bits"


def at_operation(case, sweep, state, point):
    """Kills at a file operation, before it is done."""
    name, count = point
    case.begin(getattr(case.world, state)(sweep))
    case.run(
        case.world.run_words("--resume"), killed=True, before=inject([f"{name}:signal=SIGKILL:when={count}"]), name="killed"
    )


def at_random(case, sweep):
    """Kills at random moments, some very early."""
    case.begin(case.world.fresh(sweep))
    for _ in range(case.random.randint(1, 4)):
        killed_at(case, case.random.choice([0.02, 0.1, 0.2]) * case.random.random())


def killed_at(case, seconds):
    """Kills a run after some time."""
    running = case.start(case.world.run_words("--resume"), name="killed")
    time.sleep(seconds)
    running.signal(signal.SIGKILL)
    case.tell(f"killed after {seconds:.3f} s")
    running.ended().calm(killed=True)
