"""Full disks: files that may not grow beyond a size, and a tmpfs of each size up to what a run needs."""

import os
import subprocess

from program import Failed, Skip

NAME = "full-disk"
CASES = (20, 400)
ALONE = False
SWEEPS = ("grid", "early")
#: A tmpfs has pages of this size.
PAGE = 4096


def ready(world):
    """Measures what a run takes."""
    world.run_bytes = {}
    for sweep in SWEEPS:
        world.whole(sweep)
        files = [path.stat().st_size for path in (world.finished(sweep) / "run").rglob("*") if path.is_file()]
        world.run_bytes[sweep] = (sum(files), max(files))


def play(case):
    """Gives a run less room than it needs, then enough."""
    sweep = SWEEPS[case.number % 2]
    case.begin(case.world.fresh(sweep))
    if case.number // 2 % 2:
        said = small_files(case, sweep)
    else:
        said = small_disk(case, sweep)
    return f"exit code {said.code}, then same bits"


def small_files(case, sweep):
    """Files end at a size, in the middle of a write."""
    largest = case.world.run_bytes[sweep][1]
    # Small sizes meet journals and tables, large ones the page.
    size = int(largest ** case.random.random()) if case.random.random() < 0.7 else case.random.randrange(largest)
    case.tell(f"files of at most {size} bytes")
    said = case.run(case.world.run_words(), file_size=size, name="limited")
    checked(case, said, sweep)
    case.finish(sweep)
    return said


def small_disk(case, sweep):
    """A tmpfs that gets full."""
    if os.geteuid() != 0:
        raise Skip("mounting a tmpfs needs root")
    run = case.folder / "run"
    run.mkdir()
    # Journals and temporary files come on top of what is left in the end.
    size = PAGE * case.random.randrange(4, case.world.run_bytes[sweep][0] * 5 // 4 // PAGE)
    case.tell(f"a tmpfs of {size} bytes")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", run]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise Skip("a tmpfs cannot be mounted here")
    try:
        said = case.run(case.world.run_words(), name="limited")
        checked(case, said, sweep)
        subprocess.run(["mount", "-o", "remount,size=64m", run], check=True)
        case.finish(sweep)
    finally:
        subprocess.run(["umount", "-l", run], check=True)
    return said


def checked(case, said, sweep):
    """Checks that a run with too little room says so."""
    if said.code == 0:
        case.same(sweep)
    elif said.code != 3:
        raise Failed(f"exit code {said.code} on a full disk", said.words())
