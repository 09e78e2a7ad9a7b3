"""The error for an extra that is not installed: what lacks what, and the command that installs it."""

from __future__ import annotations

import sys
from importlib.metadata import PathDistribution
from pathlib import Path
from unittest.mock import patch

import pytest

from sagemaker_transform_emulator import extras
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.extras import install_command, missing_modules, require


def test_what_is_installed_is_not_missing() -> None:
    for extra in extras.MODULES:
        assert missing_modules(extra) == ()
        require(extra, "this test")


def test_the_error_names_work_extra_and_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "MODULES", {"export": ("json", "not_on_any_index", "nor_this")})
    with pytest.raises(MachineError) as caught:
        require("export", "Writing a letter", otherwise="call")
    assert str(caught.value) == (
        "Writing a letter needs the extra [export], which is not installed: there is no not_on_any_index, "
        "nor_this"
    )
    assert caught.value.remedy == f"{install_command('export')}; or call"
    assert caught.value.__notes__ == [f"remedy: {caught.value.remedy}"]


def test_a_folder_without_a_package_is_nothing_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder_of_dockerfiles").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extras, "MODULES", {"docker": ("folder_of_dockerfiles",)})
    assert missing_modules("docker") == ("folder_of_dockerfiles",)
    (tmp_path / "folder_of_dockerfiles" / "__init__.py").touch()
    assert missing_modules("docker") == ()


def test_nothing_is_imported_to_find_out() -> None:
    before = set(sys.modules)
    for extra in extras.MODULES:
        require(extra, "this test")
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'sagemaker-transform-emulator[docker]'"),
        ("no JSON", "pip install 'sagemaker-transform-emulator[docker]'"),
        (
            '{"url": "file:///tmp/a.whl", "archive_info": {}}',
            "pip install 'sagemaker-transform-emulator[docker] @ file:///tmp/a.whl'",
        ),
        (
            '{"url": "file:///my%20src", "dir_info": {}}',
            "pip install 'sagemaker-transform-emulator[docker] @ file:///my%20src'",
        ),
        (
            '{"url": "file:///my%20src", "dir_info": {"editable": true}}',
            "pip install --editable '/my src[docker]'",
        ),
        (
            '{"url": "https://host/repo.git", "vcs_info": {"vcs": "git", "commit_id": "4f1e"}}',
            "pip install 'sagemaker-transform-emulator[docker] @ git+https://host/repo.git@4f1e'",
        ),
    ],
)
def test_the_command_installs_from_where_the_emulator_came(origin: str | None, command: str) -> None:
    with patch.object(PathDistribution, "read_text", return_value=origin):
        assert install_command("docker") == command
