"""The commands that read a run, and what each says of one that is whole."""

import re
import shutil

import bits
from program import Failed

#: What is refused by another name than its file's: a sweep or data that are not those that the run was begun with, and
#: a folder that has no manifest.
CALLED = {"spec.yaml": "sweep", "rows.csv": "data", "rows.parquet": "data", "manifest.json": "is not a run directory"}
#: How `status` says how many rows there are.
DONE = re.compile(r"(\d+) of (\d+) rows of results done")


def unwrapped(text):
    """A message without the places where its lines were broken."""
    return re.sub(r"[\s│]+", "", text)


class Reader:
    """A command that reads some files of a case's folder."""

    def __init__(self, name, words, reads, result=None):
        self.name = name
        self.words = words
        self.folders = reads
        self.result = result
        self.code = 0
        self.whole = None

    def reads(self, path, folder):
        """Whether the file may be read by it."""
        inside = str(path.relative_to(folder))
        return any(inside.startswith(part) for part in self.folders)

    def run(self, case):
        """Runs it."""
        return case.run(self.words)

    def learn(self, world, template):
        """Notes what it says of the undamaged run."""
        folder = world.root / f"learn-{template.name}-{self.name}"
        shutil.copytree(template, folder)
        said = world.program.run(folder, self.words).calm()
        self.code = said.code
        self.whole = self.answer(folder, said)
        shutil.rmtree(folder)

    def answer(self, folder, said):
        """What it said: its words on stdout, and what it wrote."""
        if self.result is None:
            return said.stdout
        path = folder / self.result
        if path.suffix == ".parquet":
            return {name: column.to_pylist() for name, column in bits.columns(path).items()}
        return bits.exported(path) if path.is_dir() else path.read_bytes()

    def names(self, said, path):
        """Whether its error names the file."""
        called = CALLED.get(path.name)
        return path.name in unwrapped(said.stderr) or (called is not None and called in said.stderr)

    def check(self, case, said):
        """Checks that it said the same as of the whole run."""
        if self.answer(case.folder, said) != self.whole:
            raise Failed("other figures", said.words() + f"\n{said.stdout[:1500].decode(errors='replace')}")


class Resume(Reader):
    """`run --resume`, which ends in the bits of an undisturbed run."""

    def __init__(self, world, sweep):
        super().__init__("resume", world.run_words("--resume"), ("run/", "spec.yaml", "rows."))
        self.sweep = sweep
        self.code = world.ends(sweep)

    def learn(self, world, template):
        """The undisturbed run is known."""

    def check(self, case, said):
        """Checks the bits; a sweep file may say of more trials or replicates, and what grew says so."""
        if "the sweep has grown" not in said.stderr:
            case.same(self.sweep)


class Status(Reader):
    """`status`, which knows of fewer rows where a journal is torn: a crash tears one just so."""

    def check(self, case, said):
        """Checks that it tells of no more rows than there are."""
        wanted, told = (DONE.search(words.decode()) for words in (self.whole, said.stdout))
        if wanted is None or told is None:
            super().check(case, said)
        elif int(told[1]) > int(wanted[1]) or told[2] != wanted[2]:
            raise Failed("more rows than there are", said.words() + said.stdout.decode())


class Look(Reader):
    """`report` of a run that is not over, which ranks what its journals have: fewer rows where one is torn."""

    def check(self, case, said):
        """Checks that what is not as of the whole run says that these are not all rows."""
        answer = self.answer(case.folder, said)
        if answer != self.whole and b"rows so far" not in answer:
            super().check(case, said)


class Whatever(Reader):
    """A command that reads what people wrote: it may read something else, but may not break."""

    def names(self, said, path):
        """A fault of people's data is named by column and row."""
        return True

    def check(self, case, said):
        """Nothing to compare with."""


class Worker(Reader):
    """`worker`, whose run is collected after it."""

    def __init__(self, sweep, job):
        super().__init__("worker", ["worker", "run", "--job", str(job), "--devices", "cpu"], ("run/",))
        self.sweep = sweep

    def learn(self, world, template):
        """What the run says in the end is known."""

    def check(self, case, said):
        """Collects the run, where it can be, and checks the bits."""
        said = case.run(case.world.run_words("--resume"), name="collected")
        if said.code == case.world.ends(self.sweep):
            case.same(self.sweep)
        elif said.code not in (2, 3):
            raise Failed(f"exit code {said.code} when collected", said.words())


def of(world, sweep, state, template):
    """The commands that a run in this state can be read with."""
    found = [Resume(world, sweep), Status("status", ["status", "run"], ("run/",))]
    people = ("spec.yaml", "rows.")
    if state == "finished":
        found += [
            Whatever("plan", ["plan", "spec.yaml"], people),
            Whatever("describe", ["data", "describe", "spec.yaml"], people),
            Whatever("run", world.run_words("--out", "new"), people),
        ]
    if state in ("finished", "interrupted", "retried"):
        page = ["report", "run", "--html", "page.html"]
        of_report = Look if state == "retried" else Reader
        found += [
            of_report("report", ["report", "run", "--format", "json"], ("run/",)),
            of_report("page", page, ("run/",), "page.html"),
            Reader("export", ["export", "run", "--trial", "best", "--out", "taken"], ("run/",), "taken"),
        ]
    if state == "finished":
        source = "rows.csv" if (template / "rows.csv").exists() else "rows.parquet"
        predict = ["predict", "model", source, "--out", "scores.parquet"]
        found.append(Reader("predict", predict, ("model/",), "scores.parquet"))
    if state in ("prepared", "worked"):
        found += [Worker(sweep, job) for job in (0, 1)]
    for reader in found:
        reader.learn(world, template)
    return found
