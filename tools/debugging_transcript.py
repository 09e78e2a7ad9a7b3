"""Writes docs/debugging.md: a failing two-container job, from the failure to the mended container.

Every command in the document is run by this script, and its output stands there as it came, but for
times and ids. `--check` runs them all and fails when the document says otherwise.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "debugging.md"
EXAMPLE = ROOT / "examples" / "debugging"
RUN = "emulator run --model model.json --job job.json --put orders.csv=s3://shop/in/orders.csv"
TEXT = """# Debugging a job

<!-- written by tools/debugging_transcript.py, which runs every command shown here -->

The files used here are in [examples/debugging](../examples/debugging): in that folder every command can be
pasted as it stands. A pipeline of two containers, `features` and `predictor`, reads three orders. It fails:

{run}

SageMaker would say no more than the `FailureReason`. The lines below it are ours: which object, record and
bytes, which container, what it answered, and what probably lies behind it. To see the record's whole way
through both containers:

{trace}

The first container answers `text/csv; charset=utf-8`, and SageMaker hands a Content-Type on verbatim
(R4.41), so the second gets a type it does not know. Before changing an image, try the record again with
something changed. `replay` starts fresh containers and sends that one record:

{replay}

With the first container's type changed, the same record goes through:

{changed}

The trace can also be written as a test that fails until the container is mended, to keep:

{as_pytest}

The job stays known, with its log and its diagnosis, whoever ran it (`run`, the library or the server), while
it runs and afterwards: `emulator jobs`, `emulator describe shop` and `emulator logs shop` show it.

{logs}

What a job would do can be seen without a container, before it runs (`--job job.json`) and afterwards. The
files that `--put` gave to the built-in S3 are put there again; one that has changed since is named:

{explain}

Which settings give right answers, and which of them fast, is a matter of measuring:
`emulator tune --model model.json --job job.json` runs the job itself over the first records of its input,
filters and join included, and prints what each combination gives: the median of three rounds and their
spread. It names no best one where the input is too small to tell, and says how much would do.
`emulator check model.json` holds each container to the contract, and `emulator doctor` looks at the machine.
To see how your own code bears a fault, make one: `emulator run … --fault "container=2 record=3 timeout"`.

How much is kept of a job's invocations is set with `--trace off|errors|sample|all`; `errors` is the default.
"""


def main() -> int:
    """Write the document, or compare it with what the commands say now."""
    made = render()
    if "--check" not in sys.argv:
        DOCUMENT.write_text(made)
        return 0
    if DOCUMENT.read_text() == made:
        return 0
    print(f"{DOCUMENT} is not what its commands print now; run {Path(__file__).name} to write it anew")
    return 1


def render() -> str:
    """The document, its commands run in a fresh folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in EXAMPLE.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        blocks = {
            "run": shell(folder, RUN),
            "trace": shell(folder, "emulator trace shop --record 1"),
            "replay": shell(folder, "emulator replay shop --record 1"),
            "changed": shell(folder, "emulator replay shop --record 1 --env RESPONSE_CONTENT_TYPE=text/csv"),
            "as_pytest": shell(folder, "emulator trace shop --pytest"),
            "logs": shell(folder, "emulator logs shop"),
            "explain": shell(folder, "emulator explain --job shop"),
        }
    return TEXT.format(**blocks)


def shell(folder: Path, command: str) -> str:
    """The command and all it printed, as a console block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"EMULATOR_STATE_DIR": str(folder / "state"), "COLUMNS": "100", "NO_COLOR": "1"}
    program = [sys.executable, "-m", "sagemaker_transform_emulator", *command.split()[1:]]
    ran = subprocess.run(
        program,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return f"```console\n$ {command}\n{steady(ran.stdout)}\n```"


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"i-[0-9a-f]{17}", "i-0a1b2c3d4e5f60718", text)
    text = re.sub(r"\d+\.\d\d( m?s\b)", r"0.00\1", text)
    text = re.sub(r"\d+\.\d( m?s\b)", r"0.0\1", text)
    text = re.sub(r"^\d\d:\d\d:\d\d ", "12:00:00 ", text, flags=re.MULTILINE)
    text = re.sub(r"listening on \d+", "listening on 8080", text)
    text = re.sub(r"(connect|first byte) \d+\.\d+", r"\1 0.0", text)
    lines = [line.rstrip() for line in text.strip().splitlines()]
    started = [number for number, line in enumerate(lines) if "listening on" in line]  # in no order
    for number, line in zip(started, sorted(lines[number] for number in started), strict=True):
        lines[number] = line
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
