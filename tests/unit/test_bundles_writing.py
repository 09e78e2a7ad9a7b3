"""The bytes of bundles and archives, and where they go."""

from __future__ import annotations

import gzip
import io
import json
import math
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from saved_pipelines import assembler, indexer, save, save_pipeline

from sagemaker_transform_emulator.errors import StorageError, UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import (
    convert_archive,
    export_sparkml,
    is_spark_pipeline,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import tar_gz, unpack
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.trees import (
    class_counts,
    prediction,
    tree_json,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.values import to_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PATHS = st.text("abc/", min_size=1, max_size=8).map(lambda text: f"x{text}".replace("//", "/").rstrip("/"))
STAGES = (indexer("colour", "index", "red", "grün"), assembler("features", "index", "size"))


@given(JSON)
def test_json_is_read_back_as_it_was(value: Any) -> None:
    assert json.loads(to_json(value)) == value


def test_json_has_the_infinities_and_nan_as_mleap_reads_them() -> None:
    assert to_json([math.inf, -math.inf, math.nan]) == "[1e999,-1e999,null]"
    assert json.loads(to_json("Infinity, NaN\u2028")) == "Infinity, NaN\u2028"


@given(st.dictionaries(PATHS, st.binary(max_size=30), max_size=5))
def test_an_archive_holds_its_files_and_depends_on_nothing_else(files: dict[str, bytes]) -> None:
    packed = tar_gz(files)
    assert packed == tar_gz(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive}
    assert found == files
    assert list(found) == sorted(found)


def saved(folder: Path) -> Path:
    return save_pipeline(folder / "saved", *STAGES)


def test_exporting_twice_gives_the_same_bytes_whatever_sparks_uids_are(tmp_path: Path) -> None:
    first = export_sparkml(saved(tmp_path / "1"), tmp_path / "1.tar.gz")
    second = export_sparkml(saved(tmp_path / "2"), tmp_path / "2.tar.gz")
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes() == first.archive()
    assert first.files == second.files


def test_the_bundles_description_is_what_mleap_asks_for(tmp_path: Path) -> None:
    export = export_sparkml(saved(tmp_path), tmp_path / "model.tar.gz")
    description = json.loads(export.files["bundle.json"])
    uuid.UUID(description["uid"])
    assert (description["format"], description["version"]) == ("json", "0.20.0")
    other = save_pipeline(tmp_path / "other", STAGES[0])
    assert json.loads(export_sparkml(other, tmp_path / "o").files["bundle.json"])["uid"] != description["uid"]


def test_every_node_named_by_the_pipeline_is_there(tmp_path: Path) -> None:
    files = export_sparkml(saved(tmp_path), tmp_path / "model.tar.gz").files
    names = json.loads(files["root/model.json"])["attributes"]["nodes"]["string"]
    assert names == ["string_indexer_0", "vector_assembler_1"]
    for name in names:
        assert json.loads(files[f"root/{name}.node/node.json"])["name"] == name


def leaf(number: int, value: float) -> dict[str, Any]:
    return {
        "id": number,
        "prediction": value,
        "impurityStats": [value, 1],
        "leftChild": -1,
        "rightChild": -1,
        "split": {},
    }


def inner(number: int, left: int, right: int, categories: int, *numbers: float) -> dict[str, Any]:
    split = {"featureIndex": number, "leftCategoriesOrThreshold": list(numbers), "numCategories": categories}
    return {"id": number, "leftChild": left, "rightChild": right, "split": split}


def test_a_tree_is_written_left_before_right() -> None:
    rows = [leaf(4, 0.4), inner(0, 1, 4, -1, 1.5), leaf(3, 0.3), inner(1, 2, 3, 3, 0, 2), leaf(2, 0.2)]
    lines = [json.loads(line) for line in tree_json(rows, prediction).splitlines()]
    assert [line.get("values") for line in lines] == [None, None, [0.2], [0.3], [0.4]]
    assert lines[0]["split"] == {"type": "continuous", "featureIndex": 0, "threshold": 1.5}
    assert lines[1]["split"] == {
        "type": "categorical",
        "featureIndex": 1,
        "isLeft": True,
        "numCategories": 3,
        "categories": [0.0, 2.0],
    }
    assert json.loads(tree_json([leaf(0, 0.5)], class_counts))["values"] == [0.5, 1.0]


@pytest.mark.parametrize("columns", [("treeID", "metadata", "weights"), ("_1", "_2", "_3")])
def test_the_weights_of_trees_are_found_as_spark_3_and_4_name_them(
    tmp_path: Path, columns: tuple[str, ...]
) -> None:
    rows = [
        {"treeID": number, "nodeData": inner(0, -1, -1, -1, 0.0) | {"prediction": 0.5}} for number in (1, 0)
    ]
    weights = [dict(zip(columns, (number, "{}", 0.25 + number), strict=True)) for number in (1, 0)]
    params = {"featuresCol": "v", "predictionCol": "p"}
    saved = save(
        tmp_path / "s", "GBTRegressionModel", params, rows,
        extra={"numFeatures": 4}, tables={"treesMetadata": weights},
    )  # fmt: skip
    files = export_sparkml(saved, tmp_path / "model.tar.gz").files
    attributes = json.loads(files["root/gbt_regression_0.node/model.json"])["attributes"]
    assert attributes["tree_weights"]["double"] == [0.25, 1.25]
    assert attributes["trees"]["string"] == ["tree0", "tree1"]
    assert json.loads(files["root/gbt_regression_0.node/tree1/tree.json"]) == {
        "type": "leaf",
        "values": [0.5],
    }


def test_a_deep_tree_needs_no_deep_stack() -> None:
    depth = 5000
    rows = [inner(2 * n, 2 * n + 1, 2 * n + 2, -1, 0.0) for n in range(depth)]
    rows += [leaf(2 * n + 1, 1.0) for n in range(depth)] + [leaf(2 * depth, 2.0)]
    assert tree_json(rows, prediction).count("\n") == 2 * depth + 1


def test_missing_directories_of_the_target_are_made(tmp_path: Path) -> None:
    export_sparkml(saved(tmp_path), tmp_path / "a" / "b" / "model.tar.gz")
    assert (tmp_path / "a" / "b" / "model.tar.gz").is_file()


def test_a_target_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory") as error:
        export_sparkml(saved(tmp_path), tmp_path)
    assert error.value.remedy.endswith("/model.tar.gz")


def test_a_target_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        export_sparkml(saved(tmp_path), tmp_path / "file" / "model.tar.gz")


def pack(folder: Path, target: Path, top: str) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, top)
    return target


@pytest.mark.parametrize("top", [".", "pipeline"])
def test_an_archive_of_a_saved_pipeline_is_known_and_converted(tmp_path: Path, top: str) -> None:
    source = pack(saved(tmp_path), tmp_path / "source.tar.gz", top)
    assert is_spark_pipeline(source)
    export = convert_archive(source, tmp_path / "target.tar.gz", columns=("size", "colour"))
    assert [column.name for column in export.schema.inputs] == ["size", "colour"]
    assert (tmp_path / "target.tar.gz").read_bytes() == export.archive()
    assert not is_spark_pipeline(tmp_path / "target.tar.gz")


def test_a_directory_of_a_saved_pipeline_is_known(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    assert is_spark_pipeline(folder)
    assert is_spark_pipeline(folder.parent)
    assert not is_spark_pipeline(folder / "metadata")


def test_other_archives_are_no_pipelines_and_are_not_converted(tmp_path: Path) -> None:
    other = tmp_path / "other.tar.gz"
    other.write_bytes(tar_gz({"xgboost-model": b"{}"}))
    assert not is_spark_pipeline(other)
    with pytest.raises(UsageError, match="does not hold a saved Spark ML pipeline"):
        convert_archive(other, tmp_path / "target.tar.gz")


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar"), tar_gz({"a": b"x" * 999})[:60]],
    ids=["empty", "text", "gzip of no tar", "cut"],  # a gzip header holds the time
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    for use in (is_spark_pipeline, lambda path: unpack(path, tmp_path / "out")):
        with pytest.raises(UsageError, match="cannot be read as a gzipped tar"):
            use(tmp_path / "model.tar.gz")


def test_a_member_that_would_leave_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(tar_gz({"../evil": b""}))
    with pytest.raises(UsageError, match="evil"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        yield client


def test_pipelines_are_read_from_and_archives_written_to_s3(tmp_path: Path, bucket: Any) -> None:
    folder = saved(tmp_path)
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.upload_file(str(path), "models", f"spark/p/{path.relative_to(folder)}")
    bucket.put_object(Bucket="models", Key="spark/p/stages/", Body=b"")
    bucket.put_object(Bucket="models", Key="spark/p2/metadata/part-00000", Body=b"another pipeline")
    export = export_sparkml("s3://models/spark/p", "s3://models/out/model.tar.gz")
    assert bucket.get_object(Bucket="models", Key="out/model.tar.gz")["Body"].read() == export.archive()
    assert export.files == export_sparkml(folder, tmp_path / "model.tar.gz").files


def test_an_empty_prefix_and_a_missing_bucket_are_told(tmp_path: Path, bucket: Any) -> None:
    with pytest.raises(UsageError, match="no objects under s3://models/none"):
        export_sparkml("s3://models/none", tmp_path / "model.tar.gz")
    with pytest.raises(StorageError, match=r"s3://absent/p: .*NoSuchBucket"):
        export_sparkml("s3://absent/p", tmp_path / "model.tar.gz")
    with pytest.raises(StorageError, match=r"s3://absent/model\.tar\.gz"):
        export_sparkml(saved(tmp_path), "s3://absent/model.tar.gz")
    with pytest.raises(UsageError, match="does not name an object"):
        export_sparkml(tmp_path / "saved", "s3://models/out/")


def test_a_key_that_would_leave_the_folder_is_refused(tmp_path: Path, bucket: Any) -> None:
    bucket.put_object(Bucket="models", Key="p/../../evil", Body=b"")
    with pytest.raises(UsageError, match="no path inside a saved pipeline"):
        export_sparkml("s3://models/p", tmp_path / "model.tar.gz")
