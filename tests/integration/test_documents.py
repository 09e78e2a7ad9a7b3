"""Documents that commands write say what the commands say now."""

from __future__ import annotations

import subprocess
import sys

from harness import ROOT


def test_the_debugging_transcript_is_what_the_commands_print() -> None:
    script = ROOT / "tools" / "debugging_transcript.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
