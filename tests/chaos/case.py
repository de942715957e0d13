"""One disturbance of one run, in a folder of its own."""

import random
import shutil
from pathlib import Path

import bits
from program import Failed


class Case:
    """What a case is made of: the world, a folder, and random numbers that are the same whenever it is repeated."""

    def __init__(self, world, kind, number, seed, long):
        self.world = world
        self.kind = kind
        self.number = number
        self.seed = seed
        self.long = long
        self.random = random.Random(f"{seed} {kind} {number}")
        self.folder = world.root / f"case-{kind}-{number}"
        self.story = []
        self.failed = None

    def of_cases(self, cases):
        """How many cases of its kind are played."""
        return self.world.count or cases[self.long]

    def begin(self, template):
        """Copies a folder of the world for this case."""
        shutil.copytree(template, self.folder, symlinks=True)
        self.tell(f"a copy of {Path(template).name}")

    def tell(self, line):
        """Notes what was done, for the one who reads of a failure."""
        self.story.append(line)

    def run(self, words, killed=False, **how):
        """Runs the program in the case's folder, and makes sure that it ends in a sensible way."""
        said = self.world.program.run(self.folder, words, **how)
        self.tell(said.words())
        return said.calm(killed)

    def start(self, words, **how):
        """Starts the program in the case's folder."""
        return self.world.program.start(self.folder, words, **how)

    def finish(self, sweep, ends=None, words=()):
        """Resumes undisturbed, and checks that what comes of it is what an undisturbed run says."""
        said = self.run(self.world.run_words("--resume", *words), name="resumed")
        wanted = self.world.ends(sweep) if ends is None else ends
        if said.code != wanted:
            raise Failed(f"cannot be resumed: exit code {said.code}", said.words())
        self.same(sweep)

    def same(self, sweep):
        """Checks that the case's run says what an undisturbed one says."""
        bits.same(self.folder / "run", self.world.whole(sweep))

    def rows(self):
        """Rows of results.parquet."""
        return bits.rows(self.folder / "run")

    def keep(self, where):
        """Keeps the folder of a case that failed, with its story."""
        kept = Path(where, self.folder.name)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder, kept, symlinks=True, ignore_dangling_symlinks=True)
        text = [f"{self.failed.label}: {self.failed}", "", f"again: {self.again()}", "", *self.story]
        (kept / "why.txt").write_text("\n".join(text))

    def again(self):
        """The command that repeats it."""
        flags = f"--seed {self.seed} --only {self.kind} --case {self.number}{' --long' if self.long else ''}"
        return f"make chaos ARGS='{flags}'"

    def remove(self):
        """Removes its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

