"""`python -m containers.sparkml serve` serves; `fetch` only fills the cache, as an image's build does."""

from __future__ import annotations

import sys

from containers import serving
from containers.sparkml.app import build_app
from containers.sparkml.cache import tell
from containers.sparkml.prepare import prepare

NAME = "sparkml"


def main() -> int:
    """Return the exit code: 0, 1 when it cannot be done, 2 for wrong arguments."""
    if sys.argv[1:] != ["fetch"]:
        return serving.main(build_app, NAME)
    try:
        runtime = prepare()
    except serving.StartError as error:
        tell(f"cannot fetch: {error}")
        return 1
    tell(f"{len(runtime.classpath)} jars are ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
