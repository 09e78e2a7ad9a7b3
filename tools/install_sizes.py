"""What an installation of the package takes: packages and megabytes for the core and with each extra.

usage: install_sizes.py       measures the packages of this environment, which `make dev` makes
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DISTRIBUTION = "sagemaker-transform-emulator"
CHOICES = ("", "docker", "export", "server", "sparkml", "xgboost", "server,sparkml,xgboost", "all")


def needed(of: Distribution, extras: set[str]) -> dict[str, Distribution]:
    """What it requires with these extras, directly and through others, as pip would resolve it here."""
    found: dict[str, Distribution] = {}
    waiting = list(_required(of, extras))
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, wanted = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, wanted) not in seen:
            seen.add((name, wanted))
            found[name] = distribution(name)
            waiting += _required(found[name], set(wanted))
    return found


def size_of(found: Distribution) -> int:
    """Bytes of its files on disk, without what Python compiles from them."""
    paths = (Path(str(found.locate_file(file))) for file in found.files or ())
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())


def main() -> int:
    """Print the table."""
    own = distribution(DISTRIBUTION)
    print(f"{'extras':<26}{'packages':>8}{'MB':>7}")
    for extras in CHOICES:
        packages = needed(own, set(extras.split(",")))
        megabytes = sum(map(size_of, packages.values())) / 1e6
        print(f"{extras or '(none)':<26}{len(packages):>8}{megabytes:>7.0f}")
    return 0


def _required(of: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in of.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


if __name__ == "__main__":
    sys.exit(main())
