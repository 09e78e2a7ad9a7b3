"""The model directory: what is a model, what is refused and with which words."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import xgboost
from xgboost_help import booster, expected, sample, save

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.xgboost import model_files
from sagemaker_transform_emulator.containers.xgboost.model_files import load_model, load_models, model_paths
from sagemaker_transform_emulator.containers.xgboost.settings import Settings, read_settings


def load(path: Path, *, trust: bool = False) -> xgboost.Booster:
    return load_model(path, trust_pickles=trust).booster


def write(directory: Path, content: bytes, name: str = "xgboost-model") -> Path:
    (directory / name).write_bytes(content)
    return directory / name


class Touch:
    """A pickle of this creates a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_boosters_of_every_protocol_load(tmp_path: Path, protocol: int) -> None:
    model = booster()
    model.best_iteration = 2
    model.best_score = np.float64(0.25)
    loaded = load_model(write(tmp_path, pickle.dumps(model, protocol)), trust_pickles=False)
    assert loaded.pickled
    assert np.array_equal(expected(loaded.booster, sample(20)), expected(model, sample(20)))


@pytest.mark.parametrize("form", ["json", "ubj"])
def test_native_files_load_whatever_they_are_called(tmp_path: Path, form: str) -> None:
    loaded = load_model(write(tmp_path, bytes(booster().save_raw(form)), "any.name"), trust_pickles=False)
    assert not loaded.pickled
    assert np.array_equal(expected(loaded.booster, sample(20)), expected(booster(), sample(20)))


def test_every_round_counts_after_early_stopping(tmp_path: Path) -> None:
    model = booster(rounds=6)
    model.set_attr(best_iteration="1")
    assert load(save(model, tmp_path) / "xgboost-model").num_boosted_rounds() == 6


def test_a_pickle_that_runs_code_is_refused_unrun(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    path = write(tmp_path, pickle.dumps(Touch(touched)))
    with pytest.raises(StartError, match="XGBOOST_TRUST_MODEL_PICKLES=true"):
        load(path)
    assert not touched.exists()


def test_a_trusted_pickle_must_still_be_a_booster(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"not an xgboost\.Booster"):
        load(write(tmp_path, pickle.dumps(Touch(tmp_path / "touched"))), trust=True)
    assert (tmp_path / "touched").exists()


class Extended(xgboost.Booster):
    """A Booster of a user's own class."""


def test_a_trusted_pickle_may_refer_to_other_classes(tmp_path: Path) -> None:
    extended = Extended(model_file=bytearray(booster().save_raw("json")))
    path = write(tmp_path, pickle.dumps(extended))
    with pytest.raises(StartError, match="Extended"):
        load(path)
    assert isinstance(load(path, trust=True), Extended)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a readme, say", "Every file directly in the model directory must be a model"),
        (b"", "Every file directly"),
        (b"{}", "Every file directly"),
        (b"binf" + bytes(200), "old binary format"),
        (bytes(200) + b"gbtree" + bytes(200), "old binary format"),
        (pickle.dumps({"a": 1}), "estimator.get_booster"),
        (b"cxgboost.sklearn\nXGBRegressor\n.", "scikit-learn wrappers do not work"),
    ],
)
def test_what_is_no_model_is_refused_with_the_remedy(tmp_path: Path, content: bytes, words: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(StartError) as error:
        load(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert "Stack trace" not in str(error.value)


def test_a_json_model_of_a_later_version_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "VERSION", (1, 2))
    path = write(tmp_path, b'{"version":[3,0,5],"learner":{}}')
    with pytest.raises(StartError, match=r"It was saved by XGBoost 3\.0, and 3\.0\.5 serves"):
        load(path)
    monkeypatch.setattr(model_files, "VERSION", (3, 0))
    with pytest.raises(StartError, match="Every file directly"):
        load(path)


def test_a_pickle_of_another_version_names_the_images_that_read_it(tmp_path: Path) -> None:
    model = booster()
    state = model.__getstate__()
    state["handle"] = bytearray(b"\x00\x00\x00\x80" * 40)  # as XGBoost 0.x wrote it
    content = b"ccopy_reg\n_reconstructor\n(cxgboost.core\nBooster\nc__builtin__\nobject\nNtR"
    content += pickle.dumps(state, 0)[:-1] + b"b."
    with pytest.raises(StartError, match="pickle of another XGBoost than") as error:
        load(write(tmp_path, content))
    assert "image tags 1, 0.90-1, 0.90-2" in str(error.value)
    assert "Stack trace" not in str(error.value)


def test_the_message_of_a_native_error_ends_before_its_addresses() -> None:
    assert model_files.first_paragraph("a\nb\n\nStack trace:\n  [bt]") == "a\nb"
    assert model_files.first_paragraph("b'a\\n\\nStack trace returned 10 entries:\\n'") == "a"


def test_dot_files_and_folders_are_no_models(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(booster(), tmp_path)
    write(tmp_path, b"junk", ".DS_Store")
    (tmp_path / "code").mkdir()
    assert model_paths(tmp_path) == [tmp_path / "xgboost-model"]
    assert ".DS_Store" in caplog.text


@pytest.mark.parametrize("folder", ["", "not-there"])
def test_a_directory_without_models_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(StartError, match="model directory"):
        load_models(Settings(model_dir=tmp_path / folder))


@pytest.mark.parametrize(("word", "count"), [("true", 2), (None, 2), ("True", 1), ("false", 1), ("", 1)])
def test_only_the_exact_word_true_makes_an_ensemble(tmp_path: Path, word: str | None, count: int) -> None:
    save(booster(), tmp_path, "b.json")
    save(booster(rounds=2), tmp_path, "a.json")
    environ = {"SM_MODEL_DIR": str(tmp_path)}
    if word is not None:
        environ["SAGEMAKER_INFERENCE_ENSEMBLE"] = word
    models = load_models(read_settings(environ))
    assert [model.path.name for model in models] == ["a.json", "b.json"][:count]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_CONTENT_LENGTH", "six"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "many"),
        ("SAGEMAKER_USE_NGINX", "perhaps"),
        ("XGBOOST_TRUST_MODEL_PICKLES", "2"),
        ("SAGEMAKER_MULTI_MODEL", "true"),
    ],
)
def test_settings_that_mean_nothing_are_named(name: str, value: str) -> None:
    with pytest.raises(StartError, match=name):
        read_settings({name: value})
