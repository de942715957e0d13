"""Faults: a call, or every call from one on, fails as a full or broken disk makes it; then the run is resumed."""

import points
from program import Failed
from world import inject

NAME = "faults"
CASES = (60, 2000)
ALONE = False
SWEEPS = ("grid", "early")
#: What a file system may answer to what.
ERRORS = {
    "write": ("ENOSPC", "EIO", "EDQUOT", "EFBIG"),
    "pwrite64": ("ENOSPC", "EIO", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT"),
    "rename": ("ENOSPC", "EIO", "EDQUOT", "EACCES"),
    "renameat": ("ENOSPC", "EIO", "EDQUOT", "EACCES"),
    "renameat2": ("ENOSPC", "EIO", "EDQUOT", "EACCES"),
    "openat": ("EIO", "EMFILE", "ENOSPC", "EACCES", "EDQUOT"),
    "unlink": ("EIO", "EACCES", "EROFS"),
    "unlinkat": ("EIO", "EACCES", "EROFS"),
    "mkdir": ("ENOSPC", "EACCES", "EROFS", "EDQUOT"),
    "mkdirat": ("ENOSPC", "EACCES", "EROFS", "EDQUOT"),
    "ftruncate": ("EIO", "EFBIG"),
    "flock": ("ENOLCK", "EIO"),
}


def ready(world):
    """Makes what the cases begin with."""
    world.needs_strace()
    world.fault_points = []
    for sweep in SWEEPS:
        world.whole(sweep)
        for state, words in (("fresh", ()), ("interrupted", ("--resume",))):
            found = points.of(world, getattr(world, state)(sweep), world.run_words(*words))
            faults = [(call, count, error) for call, count in found for error in ERRORS.get(call, ())]
            world.fault_points += [(sweep, state, *fault) for fault in faults]
    print(f"faults: {len(world.fault_points)} calls and errors to choose from", flush=True)


def play(case):
    """Has a call fail, or all from there on; the run ends in an error, and goes on without the fault."""
    sweep, state, call, count, error = case.random.choice(case.world.fault_points)
    lasting = "+" if case.random.random() < 0.4 else ""
    case.begin(getattr(case.world, state)(sweep))
    fault = f"{call}:error={error}:when={count}{lasting}"
    said = case.run(case.world.run_words("--resume"), before=inject([fault]), name="faulty")
    if said.code == 0:
        # It got by without that call; so all must be there, also without resuming.
        case.same(sweep)
    elif said.code not in (1, 2, 3, 130):
        raise Failed(f"exit code {said.code}", said.words())
    case.finish(sweep)
    return f"exit code {said.code}, then same bits"
