"""Packs target/release/focalsweep-torch as the wheel focalsweep-torch, which uses the libraries of an installed torch.

usage: torch_wheel.py PROGRAM OUT_DIR PLATFORM_TAG

Needs strip and patchelf. The wheel has the program without symbols and without the place of the libtorch that it was
built with; `focalsweep-torch` in the scripts folder looks for torch and starts it (python/torch).
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "torch" / "focalsweep_torch"
METADATA = """Metadata-Version: 2.1
Name: focalsweep-torch
Version: {version}
Summary: The libtorch half of focalsweep: GPUs, and a second opinion on cores
License: MIT OR Apache-2.0
Requires-Python: >=3.10
Requires-Dist: torch=={libtorch}.*
"""
WHEEL = """Wheel-Version: 1.0
Generator: tools/torch_wheel.py
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""
ENTRY_POINTS = """[console_scripts]
focalsweep-torch = focalsweep_torch:main
"""


def digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def bare(program: Path) -> bytes:
    """The program without symbols and without rpath."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "program"
        shutil.copyfile(program, copy)
        subprocess.run(["strip", copy], check=True)
        subprocess.run(["patchelf", "--remove-rpath", copy], check=True)
        return copy.read_bytes()


def found(pattern: str, path: Path) -> str:
    match = re.search(pattern, path.read_text(), re.MULTILINE)
    if match is None:
        sys.exit(f"torch_wheel.py: {path} has no {pattern}")
    return match[1]


def main() -> None:
    program, out, platform = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    version = found(r'^version = "(.*)"', ROOT / "Cargo.toml").replace("-dev", ".dev0")
    libtorch = found(r'^LIBTORCH = "(.*)"', PACKAGE / "__init__.py")
    info = f"focalsweep_torch-{version}.dist-info"
    texts = {
        f"{info}/METADATA": METADATA.format(version=version, libtorch=libtorch),
        f"{info}/WHEEL": WHEEL.format(platform=platform),
        f"{info}/entry_points.txt": ENTRY_POINTS,
    }
    files = {"focalsweep_torch/focalsweep-torch": bare(program)}
    files["focalsweep_torch/__init__.py"] = (PACKAGE / "__init__.py").read_bytes()
    for name in ("LICENSE", "LICENSE-MIT", "LICENSE-APACHE"):
        files[f"{info}/licenses/{name}"] = (ROOT / name).read_bytes()
    files |= {name: text.encode() for name, text in texts.items()}
    record = "".join(f"{name},{digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"focalsweep_torch-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name.endswith("/focalsweep-torch") else 0o100644) << 16
            wheel.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    print(path)


main()
