"""The library's public names: each is what it says, and importing the package costs nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module

import pytest
from parts import ROOT

import sagemaker_transform_emulator as emulator
import sagemaker_transform_emulator.testing

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def names_of_the_type_checker() -> set[str]:
    """What mypy believes the package has: the imports under TYPE_CHECKING."""
    tree = ast.parse((ROOT / "emulator/sagemaker_transform_emulator/__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {name.name for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}


def documented_names() -> set[str]:
    """What Python code in the documents takes from the package itself."""
    found: set[str] = set()
    for document in DOCUMENTS:
        for code in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL):
            if "import sagemaker_transform_emulator as emulator\n" in code:
                found |= set(re.findall(r"\bemulator\.(\w+)", code))
            for names in re.findall(r"^from sagemaker_transform_emulator import (.+)$", code, re.MULTILINE):
                found |= set(re.split(r"[,\s()]+", names)) - {""}
    return found


def test_the_list_is_sorted_complete_and_what_a_type_checker_sees() -> None:
    assert emulator.__all__ == sorted(set(emulator.__all__))
    assert set(emulator.__all__) == names_of_the_type_checker() == set(dir(emulator))


@pytest.mark.parametrize("name", emulator.__all__)
def test_each_name_is_the_object_of_its_home(name: str) -> None:
    found = getattr(emulator, name)
    home = import_module(emulator._HOME[name])
    assert found is getattr(home, name)
    assert name == "Event" or (found.__name__, found.__module__) == (name, home.__name__)
    assert found.__doc__


def test_documents_use_only_public_names() -> None:
    assert "run_transform_job" in documented_names()
    assert documented_names() <= {*emulator.__all__, "testing"}


def test_testing_has_what_it_lists() -> None:
    assert sorted(emulator.testing.__all__) == emulator.testing.__all__
    assert all(getattr(emulator.testing, name).__doc__ for name in emulator.testing.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match="module 'sagemaker_transform_emulator' has no attribute 'no_such_name'"
    ):
        _ = emulator.no_such_name  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"boto3", "httpx", "pydantic", "uvloop", "moto"}
    program = f"import sys, sagemaker_transform_emulator; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == []
