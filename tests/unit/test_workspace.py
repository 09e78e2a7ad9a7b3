"""The folder of a run: locked before it can be seen, and what a sweep makes of damaged ones."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from sagemaker_transform_emulator.runtime import workspace
from sagemaker_transform_emulator.runtime.workspace import open_workspace, run_lives, sweep
from sagemaker_transform_emulator.transform.keys import S3Location

PLACE = S3Location("bkt", "out/x")


def test_a_run_that_starts_is_never_taken_for_an_abandoned_one(tmp_path: Path) -> None:
    judged: list[Path] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            judged.extend(folder for folder in sweep(tmp_path).folders if (folder / "lock").exists())

    (tmp_path / "runs").mkdir()
    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(200):
        with open_workspace(tmp_path) as made:
            assert run_lives(tmp_path / "runs", made.run_id)
            assert made.path.is_dir()
    over.set()
    watcher.join()
    assert judged == []


def test_the_lock_is_held_when_the_folder_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    rename = Path.rename

    def look(self: Path, target: Path) -> Path:
        assert not target.exists()
        moved = rename(self, target)
        seen.append(run_lives(target.parent, target.name))
        return moved

    monkeypatch.setattr(Path, "rename", look)
    with open_workspace(tmp_path):
        pass
    assert seen == [True]


@pytest.mark.parametrize("content", ["", "[", "{}", "[1, 2, 3, 4]", '["b"]', "null", "\x00" * 30])
def test_a_damaged_entry_of_the_journal_is_passed_over(tmp_path: Path, content: str) -> None:
    with open_workspace(tmp_path) as made:
        made.journal("http://x").opened(PLACE, "u1")
        (made.path / "uploads" / "damaged").write_text(content)
        entries = [path for path in (made.path / "uploads").iterdir() if path.name != "damaged"]
        assert [json.loads(path.read_text()) for path in entries] == [["bkt", "out/x", "u1", "http://x"]]
    swept = sweep(tmp_path)
    assert [upload.upload_id for upload in swept.uploads] == ["u1"]
    swept.forget()
    assert list((tmp_path / "runs").iterdir()) == []


def test_an_upload_is_written_down_by_its_key_until_its_id_is_known(tmp_path: Path) -> None:
    with open_workspace(tmp_path) as made:
        journal = made.journal(None)
        entry = journal.opening(PLACE)
        assert sweep(tmp_path).spared == frozenset()
        journal.opened(PLACE, "u1")
        journal.forget(entry)
        assert sweep(tmp_path).spared == {"u1"}
        journal.closed(PLACE, "u1")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_that_never_became_visible_is_removed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / ".abc").mkdir(parents=True)
    sweep(tmp_path)
    assert (tmp_path / "runs" / ".abc").exists()
    monkeypatch.setattr(workspace, "_UNBORN_S", -1.0)
    sweep(tmp_path)
    assert not (tmp_path / "runs" / ".abc").exists()
