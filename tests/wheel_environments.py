"""Environments of their own with the built wheel in them, and of other packages only what it declares.

The packages are links to those of this environment, so nothing is fetched: which ones are linked follows
from the wheel's own metadata, as pip would resolve it.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from parts import ROOT

DISTRIBUTION = "sagemaker-transform-emulator"
needed = runpy.run_path(str(ROOT / "tools" / "install_sizes.py"))["needed"]
_UV = (sys.executable, "-m", "uv")


def build(source: Path, out: Path, kind: str) -> Path:
    """The built file; `kind` is wheel or sdist. `source` is a source tree or a source distribution."""
    command = [*_UV, "build", f"--{kind}", "--offline", "--no-build-isolation", "--python", sys.executable]
    _run([*command, "--out-dir", str(out), str(source)])
    (built,) = (path for path in out.iterdir() if path.suffix in {".whl", ".gz"})
    return built


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def run(
        self, program: str, *arguments: str | Path, cwd: Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """A program of the environment, with no AWS variables and nothing of this process's Python."""
        keep = ("HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        environment |= {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "EMULATOR_STATE_DIR": str(self.folder / "state"),
            **variables,
        }
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip


def make_environment(folder: Path, wheel: Path, *extras: str, others: tuple[str, ...] = ()) -> Environment:
    """The wheel is installed, with what it and its extras need, and `others` with what those need."""
    _run([*_UV, "venv", "--quiet", "--offline", "--no-project", "--python", sys.executable, str(folder)])
    environment = Environment(folder)
    _run([*_UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--link-mode", "copy",
          "--python", str(environment.python), str(wheel)])  # fmt: skip
    (own,) = distributions(name=DISTRIBUTION, path=[str(environment.site_packages)])
    wanted = needed(own, {*extras})
    for name in others:
        wanted |= {name: distribution(name), **needed(distribution(name), set())}
    for found in wanted.values():
        _link(found, environment.site_packages)
    return environment


def _link(found: Distribution, site_packages: Path) -> None:
    """Its modules and its metadata can be imported from there; its programs stay where they are."""
    tops = {Path(file).parts[0] for file in found.files or ()} - {"..", "__pycache__"}
    for top in tops:
        link = site_packages / top
        if not link.exists():
            link.symlink_to(Path(str(found.locate_file(top))).resolve())


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
