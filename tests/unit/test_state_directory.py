"""The state folder of a server: nobody else's, held by one, and a word when it cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.server import state_directory


def modes(*paths: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in paths]


def test_a_folder_that_was_open_to_others_is_closed_at_the_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    state.chmod(0o755)
    with state_directory.held(state):
        pass
    state.chmod(0o755)
    database = state / state_directory.DATABASE
    database.touch()
    database.chmod(0o644)
    with state_directory.held(state):
        assert modes(state, database) == [0o700, 0o600]


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_a_folder_of_other_things_stays_as_it_is(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    if mode == 0o755:
        (state / "other").touch()
    state.chmod(mode)
    with state_directory.held(state):
        assert state.stat().st_mode & 0o7777 == mode


def test_a_draft_that_was_open_to_others_is_not_written_into(tmp_path: Path) -> None:
    draft = tmp_path / "sagemaker-sdk-eu-west-1.draft"
    draft.touch()
    draft.chmod(0o666)
    written = state_directory.write_sdk_config(tmp_path, "eu-west-1")
    assert modes(written) == [0o600]
    assert not draft.exists()


@pytest.mark.parametrize("place", ["file", "file/state"])
def test_a_folder_that_cannot_be_written_is_one_error_with_a_remedy(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    caught = pytest.raises(MachineError, match="cannot be written")
    with caught as error, state_directory.held(tmp_path / place):
        pass
    assert error.value.exit_code == 3
    assert "--state-dir" in error.value.remedy


def test_a_lock_that_cannot_be_opened_is_the_same_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(self: Path, *_: object) -> None:
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(MachineError, match="Read-only file system"), state_directory.held(tmp_path):
        pass
