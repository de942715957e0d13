"""`focalsweep-torch`, the libtorch half of focalsweep, on the libraries of the torch that is installed beside it."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

LIBTORCH = "2.11"
"""The torch that the program is linked to: libtorch's C++ interface changes from one to the next."""


def main() -> None:
    """Becomes the program. Without its torch: a sentence, and exit code 3."""
    program = Path(__file__).with_name("focalsweep-torch")
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        sys.exit(_refused("torch is not installed"))
    if not (version == LIBTORCH or version.startswith(f"{LIBTORCH}.")):
        sys.exit(_refused(f"torch {version} is installed"))
    # Found, not imported: that would take seconds.
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        sys.exit(_refused("torch cannot be found"))
    folders = [str(Path(spec.origin).with_name("lib")), os.environ.get("LD_LIBRARY_PATH", "")]
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, folders))
    os.execv(program, [str(program), *sys.argv[1:]])


def _refused(found: str) -> int:
    print(f"{found}, expected torch {LIBTORCH}: pip install 'torch=={LIBTORCH}.*'", file=sys.stderr)
    return 3
