"""The environment of the AWS SDK for JavaScript: the example client with what its lock file names.

`python tests/sdk/javascript.py` makes it, which takes seconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENT = ROOT / "examples" / "clients" / "javascript"
PROGRAM = "sample_job.mjs"
_LOCKS = ("package.json", "package-lock.json")


def make() -> Path:
    """The folder with the client as it is now and its packages.

    Raises subprocess.CalledProcessError or OSError when packages cannot be had.
    """
    folder = ROOT / ".venvs" / "javascript"
    stamp = folder / "lock.sha256"
    wanted = hashlib.sha256(b"".join((CLIENT / name).read_bytes() for name in _LOCKS)).hexdigest()
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "javascript.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test workers wait for the first
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in _LOCKS:
                shutil.copy(CLIENT / name, folder)
            subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=folder, check=True, capture_output=True, text=True,
            )  # fmt: skip
            stamp.write_text(wanted)
        shutil.copy(CLIENT / PROGRAM, folder)
    return folder


if __name__ == "__main__":
    sys.stdout.write(f"{make()}\n")
