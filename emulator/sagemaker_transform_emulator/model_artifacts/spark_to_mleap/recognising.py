"""Whether something is a saved Spark pipeline, told from its file names alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import member_names


def is_spark_pipeline(place: str | Path) -> bool:
    """Whether the local directory or model.tar.gz `place` holds a saved Spark ML pipeline or model.

    A MLeap bundle does not count, and neither does an archive with anything else in it.
    """
    path = Path(place)
    if path.is_dir():
        names = [str(name.relative_to(path)) for name in path.glob("metadata/part-*")]
        names += [str(name.relative_to(path)) for name in path.glob("*/metadata/part-*")]
        return not (path / "bundle.json").exists() and top_folder(names) is not None
    names = member_names(path)
    return "bundle.json" not in names and top_folder(names) is not None


def top_folder(names: Sequence[str]) -> str | None:
    """The folder, "" or a single one at the top, whose `metadata` says what is saved there."""
    parents = {name.partition("metadata/part-")[0] for name in names if "metadata/part-" in name}
    tops = sorted((parent for parent in parents if parent.count("/") <= 1), key=len)
    return tops[0].rstrip("/") if tops and (tops[0] == "" or len(tops) == 1) else None
