"""Kills: at every file operation, and at random moments, several times in one run; then the run is resumed."""

import shutil
import signal
import time

import points
from world import inject

NAME = "kills"
CASES = (60, 3000)
ALONE = False
#: A sweep for even and one for odd numbers.
SWEEPS = ("grid", "early")


def ready(world):
    """Makes what the cases begin with: the file operations of a run, and of one that is resumed."""
    for sweep in SWEEPS:
        world.whole(sweep)
    world.kill_points = []
    world.mend_points = {}
    if world.traced is None:
        words = world.run_words("--resume")
        for sweep in SWEEPS:
            begun = [(sweep, "fresh", point) for point in points.of(world, world.fresh(sweep), words)]
            resumed = [(sweep, "interrupted", point) for point in points.of(world, world.interrupted(sweep), words)]
            world.kill_points += begun + resumed
            spoiled = world.state(sweep, "spoiled", lambda folder, sweep=sweep: lose(world, sweep, folder))
            world.mend_points[sweep] = points.of(world, spoiled, words)
        print(f"kills: {len(world.kill_points)} file operations to be killed at", flush=True)
    else:
        print(f"kills: at random moments only: {world.traced}", flush=True)


def lose(world, sweep, folder):
    """Makes a finished run that has lost a table, which is made again when it is resumed."""
    shutil.copytree(world.finished(sweep) / "run", folder / "run")
    (folder / "run/scores.parquet").unlink()


def play(case):
    """Kills a run, mostly again as it is resumed, and resumes it to its end."""
    count = len(case.world.kill_points)
    # First every operation once, evenly spread where there are fewer cases; then by chance.
    planned = min(count, case.of_cases(CASES) // 2)
    if case.number < planned:
        sweep, state, point = case.world.kill_points[case.number * count // planned]
        case.begin(getattr(case.world, state)(sweep))
        at_operation(case, point)
    elif count and case.number % 4 == 0:
        sweep = SWEEPS[case.number // 4 % 2]
        lost(case, sweep)
    else:
        sweep = SWEEPS[case.number % 2]
        at_random(case, sweep)
    for _ in range(case.random.choice([0, 1, 1, 2])):
        if count and case.random.random() < 0.7:
            at_operation(case, case.random.choice(case.world.kill_points)[2])
        else:
            killed_at(case, case.random.uniform(0, 0.15))
    case.finish(sweep)
    return "same bits"


def lost(case, sweep):
    """Takes a file of a finished run away, and kills the run that makes it again."""
    case.begin(case.world.finished(sweep))
    files = [path for path in sorted((case.folder / "run").rglob("*.*")) if path.suffix in (".parquet", ".safetensors")]
    path = case.random.choice(files)
    path.unlink()
    case.tell(f"{path.name} is taken away")
    at_operation(case, case.random.choice(case.world.mend_points[sweep]))


def at_operation(case, point):
    """Kills at a file operation, before it is done; the run may end before."""
    name, count = point
    fault = inject([f"{name}:signal=SIGKILL:when={count}"])
    case.run(case.world.run_words("--resume"), killed=True, before=fault, name="killed")


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
