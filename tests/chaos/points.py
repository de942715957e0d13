"""The file operations of a run, so that each of them can be disturbed."""

import re
import shutil
from collections import Counter

#: Calls that open, change, move and lock files.
CALLS = (
    "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "openat", "unlink", "unlinkat",
    "mkdir", "mkdirat", "ftruncate", "flock", "link", "linkat",
)
#: A call in a trace, with the thread that made it.
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


def of(world, template, words):
    """Every (call, the how-maniest of its thread) that touches a file of the case, in a run with these words.

    A number that the first thread reaches while the program is being loaded is left out: it would not even start.
    """
    folder = world.root / f"trace-of-{template.name}"
    shutil.copytree(template, folder)
    trace = folder / "trace"
    strace = ["strace", "-f", "-y", "-s", "200", "--seccomp-bpf", "-o", str(trace), "-e", f"trace={','.join(CALLS)}"]
    said = world.program.run(folder, words, before=strace).calm()
    if said.code not in (0, 1):
        raise SystemExit(f"chaos cannot begin:\n{said.words()}")
    ours = re.compile(rf'"(run|spec|rows)\b|{re.escape(str(folder))}/')
    counts, found, first = Counter(), {}, {}
    for line in trace.read_text(errors="replace").splitlines():
        call = LINE.match(line)
        if call is None:
            continue
        thread, name, rest = call.groups()
        counts[thread, name] += 1
        if ours.search(rest.replace(f"AT_FDCWD<{folder}>", "")):
            first.setdefault(name, counts[thread, name])
            found[name, counts[thread, name]] = None
    shutil.rmtree(folder)
    return [(name, count) for name, count in found if count >= first[name]]
