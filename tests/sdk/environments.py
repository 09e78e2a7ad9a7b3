"""The Python environment of each client, made from its locked requirements when they have changed.

`python tests/sdk/environments.py` makes all of them; a first time takes a minute or two each.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("sdk-v2", "sdk-v3", "awscli")


def make(name: str) -> Path:
    """The environment's folder, holding exactly what requirements/NAME.txt locks.

    Raises subprocess.CalledProcessError when packages cannot be had.
    """
    requirements = ROOT / "requirements" / f"{name}.txt"
    folder = ROOT / ".venvs" / name
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test workers wait for the first
        if stamp.exists() and stamp.read_text() == wanted:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run(
            [folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
             "--only-binary", ":all:", "-r", requirements],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        stamp.write_text(wanted)
    return folder


if __name__ == "__main__":
    for environment in sys.argv[1:] or NAMES:
        sys.stdout.write(f"{make(environment)}\n")
