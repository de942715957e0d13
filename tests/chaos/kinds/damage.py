"""Damage: a file that the program reads is spoiled; then a command that may read it is run.

It has to say what it says of files that are whole, or name the file that is not (exit code 2 or 3), or do its work
again. A run that is refused goes on when the file is put back.
"""

import shutil

import readers
import spoil
from program import Failed

NAME = "damage"
CASES = (240, 10_000)
ALONE = False
#: Runs to be damaged.
RUNS = (
    ("grid", "finished"), ("early", "finished"), ("failing", "finished"), ("grid", "interrupted"),
    ("early", "interrupted"), ("early", "killed"), ("failing", "retried"), ("grid", "prepared"), ("early", "worked"),
)
#: Files that are not read.
UNREAD = ("log.txt", ".lock")


def ready(world):
    """Makes the runs and notes what each command says of them undamaged."""
    world.damaged = []
    for sweep, state in RUNS:
        if state not in ("finished", "prepared"):
            world.needs_strace()
        template = getattr(world, state)(sweep)
        world.whole(sweep)
        for reader in readers.of(world, sweep, state, template):
            world.damaged.append((sweep, state, template, reader))
    print(f"damage: {len(world.damaged)} runs and commands", flush=True)


def play(case):
    """Spoils a file and reads it."""
    sweep, state, template, reader = case.random.choice(case.world.damaged)
    case.begin(template)
    files = [path for path in sorted(case.folder.rglob("*")) if path.is_file() and reader.reads(path, case.folder)]
    files = [path for path in files if path.name not in UNREAD]
    how = None
    while how is None:  # Nothing may come of a way to spoil a file.
        path = case.random.choice(files)
        how = spoil.spoil(case.random, path)
    name = str(path.relative_to(case.folder))
    case.tell(f"{name}: {how}")
    try:
        return verdict(case, sweep, template, reader, path)
    except Failed as failed:
        kind = kind_of(name)
        raise Failed(f"{failed.label}: {kind}, by {reader.name}", f"{name}: {how}; {state} run\n{failed}") from failed


def kind_of(name):
    """What kind of file it is."""
    if name.startswith("run/jobs/job-"):
        return f"journal {name.rsplit('.', 1)[1]}"
    if name.startswith("run/models/"):
        return "model" if name.endswith(".safetensors") else "preprocessing"
    return "prepared rows" if name.endswith(".arrow") else name


def verdict(case, sweep, template, reader, path):
    """Runs the command and judges what it says."""
    said = reader.run(case)
    if said.code in (2, 3) and said.code != reader.code:
        if not reader.names(said, path):
            raise Failed("the file is not named", said.words())
        if reader.name == "resume":
            put_back(case, template, path)
            case.finish(sweep)
            return f"{reader.name}: refused, exit code {said.code}, and same bits with the file put back"
        return f"{reader.name}: refused, exit code {said.code}"
    if said.code != reader.code:
        raise Failed(f"exit code {said.code}", said.words())
    reader.check(case, said)
    return f"{reader.name}: same bits"


def put_back(case, template, path):
    """Puts back the file that was spoiled."""
    if path.is_dir():
        shutil.rmtree(path)
    shutil.copyfile(template / path.relative_to(case.folder), path)
