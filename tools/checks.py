"""Write docs/checks.md from the tables of the checks; `--check` fails when it is out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from sagemaker_transform_emulator.tools.check.document import document

TARGET = Path(__file__).resolve().parent.parent / "docs" / "checks.md"


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        if TARGET.read_text() == document():
            return 0
        print(f"{TARGET} is out of date: python tools/checks.py", file=sys.stderr)
        return 1
    TARGET.write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
