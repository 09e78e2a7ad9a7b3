"""Writes containers/sparkml/jars.toml anew: MLeap's runtime, the JSON and CSV parsers, the compiler.

Run `python tools/lock_sparkml_jars.py` after changing a version below, and read the diff. The versions of
Jackson and commons-csv are those of AWS's container, because clients get to see their error messages.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import jgo
from jgo.maven import MavenContext

ROOT = Path(__file__).resolve().parent.parent
LOCK_FILE = ROOT / "containers" / "sparkml" / "jars.toml"
ENGINE = (
    "ml.combust.mleap:mleap-runtime_2.12:0.20.0",
    "com.fasterxml.jackson.core:jackson-databind:2.14.0-rc2",
    "com.fasterxml.jackson.core:jackson-core:2.14.0-rc2",
    "com.fasterxml.jackson.core:jackson-annotations:2.14.0-rc2",
    "org.apache.commons:commons-csv:1.9.0",
)
COMPILER = "org.eclipse.jdt:ecj:3.40.0"
HEAD = "# The jars of the SparkML container. Written by tools/lock_sparkml_jars.py; sizes in bytes.\n"


def entry(coordinates: str, context: Any) -> str:
    """The lines of one jar, which is downloaded to be measured."""
    group, artifact, version = coordinates.split(":")
    content = context.project(group, artifact).at_version(version).artifact().resolve().read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f'coordinates = "{coordinates}"\nsize = {len(content)}\nsha256 = "{digest}"\n'


def main() -> int:
    """Resolve, download, write."""
    artifacts = jgo.resolve("+".join(ENGINE))
    resolved = [f"{item.groupId}:{item.artifactId}:{item.version}" for item in artifacts]
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=60)
        tables = [f"[[engine]]\n{entry(coordinates, context)}" for coordinates in resolved]
        tables.append(f"[compiler]\n{entry(COMPILER, context)}")
    LOCK_FILE.write_text(HEAD + "\n" + "\n".join(tables), "utf-8")
    print(f"{LOCK_FILE}: {len(resolved)} jars and the compiler")
    return 0


if __name__ == "__main__":
    sys.exit(main())
