"""Disturbs real runs of the program in every way that machines and people do, and looks whether its promises hold.

Each kind of disturbance is a file in kinds/. A case is drawn from a seed, its kind and its number, so that it can be
repeated. Every run has to end in the bits of one that was left alone, or in an error with nothing lost.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from case import Case
from kinds import KINDS
from program import Failed, Skip
from world import World

HERE = Path(__file__).resolve().parent
#: Cases of one way to fail whose folders are kept.
KEPT = 2


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS='…'", description=__doc__.splitlines()[0])
    names = ", ".join(KINDS)
    program = os.environ.get("FOCALSWEEP", HERE.parents[1] / "target/release/focalsweep")
    parser.add_argument("--program", default=program, help="the program (default $FOCALSWEEP, else target/release)")
    parser.add_argument("--long", action="store_true", help="as many cases as docs/reliability.md tells of")
    parser.add_argument("--only", action="append", choices=KINDS, help=f"a kind: {names} (may be repeated)")
    parser.add_argument("--count", type=int, help="cases of each kind")
    parser.add_argument("--case", type=int, help="this case alone")
    parser.add_argument("--seed", type=int, default=1, help="what the cases are drawn from (default 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases at once (default: the cores)")
    parser.add_argument("--keep", default=HERE.parents[1] / "target/chaos", help="where failed cases are kept")
    return parser.parse_args()


def one(world, kind, number, options):
    """Plays a case; answers what it came to, in a word, and the case, which knows why it failed."""
    case = Case(world, kind.NAME, number, options.seed, options.long)
    try:
        word = kind.play(case)
    except Skip as skip:
        word = f"skipped: {skip}"
    except Failed as error:
        case.failed, word = error, f"FAILED {error.label}"
    except Exception as error:  # pylint: disable=broad-except
        case.failed = Failed("the harness broke", traceback.format_exc())
        word = f"FAILED {case.failed.label}: {type(error).__name__}"
    return word, case


def play(world, kind, options):
    """Plays the cases of a kind; answers how many came to what, and the first failed case of each way to fail."""
    count = options.count or kind.CASES[options.long]
    numbers = range(count) if options.case is None else [options.case]
    words, first = Counter(), {}
    with ThreadPoolExecutor(1 if kind.ALONE else options.jobs) as pool:
        for word, case in pool.map(lambda number: one(world, kind, number, options), numbers):
            words[word] += 1
            if case.failed is not None:
                if words[word] <= KEPT:
                    Path(options.keep).mkdir(parents=True, exist_ok=True)
                    if case.folder.exists():
                        case.keep(options.keep)
                    first.setdefault(word, case)
            case.remove()
    return words, first


def main():
    """Plays all kinds; exit code 1 where a promise was broken."""
    options = arguments()
    if not os.access(options.program, os.X_OK):
        sys.exit(f"there is no {options.program}: run `make build`, or name the program in FOCALSWEEP")
    shm = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="focalsweep-chaos-", dir=shm if os.access(shm, os.W_OK) else None))
    total, broken, begun = 0, {}, time.monotonic()
    try:
        world = World(options.program, root, options.count)
        for name, kind in KINDS.items():
            if options.only and name not in options.only:
                continue
            started = time.monotonic()
            try:
                kind.ready(world)
            except Skip as skip:
                print(f"{name}: skipped: {skip}", flush=True)
                continue
            words, first = play(world, kind, options)
            total += words.total()
            print(f"{name}: {words.total()} cases in {time.monotonic() - started:.0f} s", flush=True)
            for word, count in sorted(words.items()):
                print(f"  {count:6} {word}", flush=True)
            broken.update(((name, word), case) for word, case in first.items())
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(f"{total} cases in {time.monotonic() - begun:.0f} s, seed {options.seed}; {len(broken)} ways to fail")
    for (name, word), case in broken.items():
        print(f"\n{name}: {word}\n  {str(case.failed)[-1500:]}\n  again: {case.again()}\n  kept in {options.keep}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
