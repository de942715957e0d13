"""Workers: of every job two run at once, some are killed, told to stop or held; then the run is collected."""

import json
import signal
import time

from program import Failed

NAME = "workers"
CASES = (12, 300)
ALONE = False
SWEEPS = ("grid", "early")
#: What becomes of a worker.
FATES = (None, None, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)


def ready(world):
    """Makes what the cases begin with."""
    for sweep in SWEEPS:
        world.whole(sweep)
        world.prepared(sweep)


def play(case):
    """Works through a prepared run with doubled workers, then collects it."""
    sweep = SWEEPS[case.number % 2]
    case.begin(case.world.prepared(sweep))
    plan = json.loads((case.folder / "run/plan.jsonl").read_text().splitlines()[0])
    jobs = list(range(len(plan["jobs"])))
    case.random.shuffle(jobs)
    # What has no worker is trained when the run is collected.
    workers = [(job, copy) for job in jobs[: case.random.randint(1, min(4, len(jobs)))] for copy in "ab"]
    running = [(case.start(words(job), name=f"worker-{job}{copy}"), case.random.choice(FATES)) for job, copy in workers]
    time.sleep(case.random.uniform(0, 0.15))
    # Somebody may also be too early.
    early = case.start(case.world.run_words("--resume"), name="early") if case.random.random() < 0.3 else None
    for worker, fate in running:
        if fate is not None:
            worker.signal(fate)
    time.sleep(case.random.uniform(0, 0.05))
    for worker, fate in running:
        if fate == signal.SIGSTOP:
            worker.signal(signal.SIGCONT)
    for worker, fate in running:
        said = worker.ended()
        case.tell(said.words())
        said.calm(killed=fate == signal.SIGKILL)
        allowed = {0, 130} if fate == signal.SIGTERM else {0}
        # A run that ended meanwhile takes its folder with it.
        if said.code >= 0 and said.code not in allowed | ({2, 3} if early else set()):
            raise Failed(f"a worker's exit code {said.code}", said.words())
    if early is not None:
        said = early.ended().calm()
        case.tell(said.words())
        if said.code != case.world.ends(sweep):
            raise Failed(f"exit code {said.code} of a run beside workers", said.words())
    case.finish(sweep)
    return "same bits"


def words(job):
    """The command line of a worker."""
    return ["worker", "run", "--job", str(job), "--devices", "cpu"]
