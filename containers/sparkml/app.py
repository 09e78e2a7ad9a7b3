"""Builds the serving application: the JVM with the model in it, warm, and the paths before it."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.containers.serving import model_directory
from sagemaker_transform_emulator.containers.sparkml.bundle import known_labels, require_bundle
from sagemaker_transform_emulator.containers.sparkml.engine import Engine
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare

LOG = logging.getLogger(__name__)
SCHEMA_VARIABLE = "SAGEMAKER_SPARKML_SCHEMA"
# They take the engine from 5 ms a record to 0.1 ms; requests do the rest, and a busy machine need not wait
WARM_UP_RECORDS = 500
WARM_UP_MS = 500


def build_app() -> Any:
    """The application with the model loaded and warm. Raises StartError when there is none to load."""
    model = model_directory()
    require_bundle(model)
    with ThreadPoolExecutor(1) as beside:
        # FastAPI and uvicorn take as long to import as half of a model to load
        paths = beside.submit(import_module, "sagemaker_transform_emulator.containers.sparkml.paths")
        engine = _warm_engine(model)
    return paths.result().Application(engine)


def _warm_engine(model: Path) -> Engine:
    engine = Engine(prepare(), model, os.environ.get(SCHEMA_VARIABLE))
    LOG.info("loaded the MLeap bundle in %s", model)
    scored = engine.warm_up(known_labels(model), WARM_UP_RECORDS, WARM_UP_MS)
    LOG.info("scored %d made-up records to warm up", scored)
    return engine
