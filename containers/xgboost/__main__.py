"""`python -m sagemaker_transform_emulator.containers.xgboost serve`."""

from __future__ import annotations

import os
import sys
from typing import Any

from sagemaker_transform_emulator.containers import serving


def build_app() -> Any:
    """The application the environment describes. Raises StartError."""
    # one thread for each prediction, as AWS's container: OpenMP reads this when XGBoost is loaded
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from sagemaker_transform_emulator.containers.xgboost.app import create_app  # noqa: PLC0415 - see the line above
    from sagemaker_transform_emulator.containers.xgboost.settings import read_settings  # noqa: PLC0415 - as above

    return create_app(read_settings(os.environ))


if __name__ == "__main__":
    sys.exit(serving.main(build_app, "xgboost"))
