"""The model directory: every regular file in it is a model, as a pickled Booster, JSON or UBJSON."""

from __future__ import annotations

import io
import logging
import pickle
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.xgboost.base_score import base_scores, honour
from sagemaker_transform_emulator.containers.xgboost.library import VERSION, xgboost
from sagemaker_transform_emulator.containers.xgboost.settings import TRUST_SWITCH, Settings

LOG = logging.getLogger(__name__)

_VERSION_IN_JSON = re.compile(rb'"version"\s*:\s*\[\s*(\d+)\s*,\s*(\d+)')
_LAST_OF_OLD_BINARY = (3, 0)

PICKLE_MODULES = {"copy_reg": "copyreg", "__builtin__": "builtins"}
"""Names Python 2's pickle protocols give modules of today."""
SAFE_GLOBALS = {
    ("xgboost.core", "Booster"),
    ("copyreg", "_reconstructor"),
    ("builtins", "object"),
    ("builtins", "bytearray"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
}
"""What a pickled Booster, with the scores that training leaves in it, refers to."""


@dataclass(frozen=True)
class LoadedModel:
    """A Booster set to one thread, and whether it came from a pickle (stricter about columns).

    `margins` are base scores that the Booster cannot hold itself, one for each output, or empty.
    """

    booster: xgboost.Booster
    pickled: bool
    path: Path
    margins: tuple[float, ...] = ()


class UntrustedPickleError(pickle.UnpicklingError):
    """A pickle refers to something no Booster needs; loading it would run code from the archive."""


class BoosterUnpickler(pickle.Unpickler):
    """Loads pickled Boosters and refuses to import anything else."""

    def find_class(self, module: str, name: str) -> Any:
        """The object, when it is one of SAFE_GLOBALS."""
        if (PICKLE_MODULES.get(module, module), name) in SAFE_GLOBALS:
            return super().find_class(module, name)
        raise UntrustedPickleError(f"the pickle refers to {module}.{name}, and only Boosters are loaded")


def load_models(settings: Settings) -> list[LoadedModel]:
    """The models of the directory in the order of their names; only the first one without ensembles.

    Raises StartError for an empty or missing directory and for a file that is no model.
    """
    paths = model_paths(settings.model_dir)
    if not settings.ensemble:
        paths = paths[:1]
    return [load_model(path, trust_pickles=settings.trust_pickles) for path in paths]


def model_paths(directory: Path) -> list[Path]:
    """The model files. Dot-files are left out with a warning, sub-directories without."""
    if not directory.is_dir():
        raise StartError(
            f"the model directory {directory} does not exist; set SM_MODEL_DIR or unpack the model there"
        )
    paths = []
    for path in sorted(directory.iterdir()):
        if path.is_file() and path.name.startswith("."):
            LOG.warning("ignoring dot-file %s; leave it out of the model archive", path)
        elif path.is_file():
            paths.append(path)
    if not paths:
        raise StartError(
            f"the model directory {directory} holds no file; put the model file directly into it"
        )
    return paths


def load_model(path: Path, *, trust_pickles: bool) -> LoadedModel:
    """One model. Raises StartError that names the file, what both readers said, and the remedy."""
    LOG.info("loading the model %s", path)
    try:
        booster, pickled = _unpickle(path, trust=trust_pickles), True
    except Exception as pickle_error:  # noqa: BLE001 - damaged pickles raise anything at all
        booster, pickled = _load_native(path, pickle_error), False
    booster.set_param({"nthread": 1})
    return LoadedModel(booster, pickled, path, honour(booster, base_scores(path), path))


def _unpickle(path: Path, *, trust: bool) -> xgboost.Booster:
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = pickle.Unpickler(file) if trust else BoosterUnpickler(io.BufferedReader(file))  # noqa: S301 - see TRUST_SWITCH
        model = reader.load()
    if not isinstance(model, xgboost.Booster):
        raise TypeError(
            f"the pickle holds a {type(model).__module__}.{type(model).__name__}, not an xgboost.Booster"
        )
    return model


def _load_native(path: Path, pickle_error: Exception) -> xgboost.Booster:
    booster = xgboost.Booster()
    try:
        with warnings.catch_warnings():
            # the file's name says nothing about its format, and XGBoost warns that it has to look inside
            warnings.simplefilter("ignore")
            booster.load_model(str(path))
    except Exception as native_error:  # noqa: BLE001 - damaged files raise more than XGBoostError
        native, pickled = first_paragraph(str(native_error)), first_paragraph(str(pickle_error))
        raise StartError(
            f"{path} is no model. As a pickle: {pickled}. As an XGBoost file: {native}. "
            f"{_version_remedy(path, pickle_error) or _remedy(path, pickle_error, native)}"
        ) from None
    return booster


def _version_remedy(path: Path, pickle_error: Exception) -> str:
    """What to do where the model is of another XGBoost than the one that serves; "" where it is not."""
    saved_by = _version_of_json(path)
    if saved_by > VERSION:
        return (
            f"It was saved by XGBoost {saved_by[0]}.{saved_by[1]}, and {xgboost.__version__} serves: name an "
            "image of that version or later, or save it with the older one"
        )
    if isinstance(pickle_error, xgboost.core.XGBoostError):
        return (
            f"It is the pickle of another XGBoost than {xgboost.__version__}, which serves, or damaged. "
            "Pickles made before 1.0 load in 0.72 and 0.90 only (image tags 1, 0.90-1, 0.90-2), later ones "
            "in the version that made them or a later one. Name such an image, or load it there and use "
            "booster.save_model"
        )
    return ""


def _remedy(path: Path, pickle_error: Exception, native: str) -> str:
    if VERSION >= _LAST_OF_OLD_BINARY and (
        "binary format has been deprecated" in native or _is_old_binary(path)
    ):
        return (
            "It is in the old binary format, which XGBoost reads up to 3.0: load it there and save it again "
            'with booster.save_model("model.json")'
        )
    if isinstance(pickle_error, UntrustedPickleError) and "sklearn" in str(pickle_error):
        return "Pickles of scikit-learn wrappers do not work; save estimator.get_booster() instead"
    if isinstance(pickle_error, UntrustedPickleError):
        return f"If you trust this file with running code on this machine, set {TRUST_SWITCH}=true"
    if isinstance(pickle_error, TypeError):
        return "Save the Booster itself: for a scikit-learn wrapper that is estimator.get_booster()"
    return "Every file directly in the model directory must be a model; remove the others from the archive"


def _version_of_json(path: Path) -> tuple[int, ...]:
    """Major and minor version of the XGBoost that saved a JSON model; empty for other files."""
    content = path.read_bytes()
    found = _VERSION_IN_JSON.search(content) if content.startswith(b"{") else None
    return tuple(map(int, found.groups())) if found else ()


def _is_old_binary(path: Path) -> bool:
    """Old files start with `binf`, or with a base score and a feature count as raw numbers."""
    with path.open("rb") as file:
        head = file.read(4096)
    return head.startswith((b"binf", b"bs64")) or (b"gbtree" in head and not head.startswith(b"{"))


def first_paragraph(message: str) -> str:
    """A native error without its stack trace of addresses, which differ from run to run.

    XGBoost 0.72 gives the `repr` of bytes for a message.
    """
    for mark in ("\nStack trace", "\\nStack trace"):
        message = message.partition(mark)[0]
    return message.removeprefix("b'").removesuffix("\\n").strip()
