"""Start and stop of the project's serving containers: argument, port, health, SIGTERM.

`serve` is the only argument (R4.1), the port is SAGEMAKER_BIND_TO_PORT or 8080 (R4.38), SIGTERM ends
the server at once when no request is under way (R4.7).
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEFAULT_PORT = 8080
LAST_PORT = 65535


class StartError(Exception):
    """The container cannot start; the message says why and what to do. Exit code 1, no traceback."""


def bind_port() -> int:
    """The port to listen on (R4.38)."""
    text = os.environ.get("SAGEMAKER_BIND_TO_PORT", "") or str(DEFAULT_PORT)
    if not text.isdigit() or not 0 < int(text) <= LAST_PORT:
        raise StartError(f"SAGEMAKER_BIND_TO_PORT is {text!r}; it must be a port number from 1 to 65535")
    return int(text)


def bind_host() -> str:
    """Loopback unless BIND_HOST says otherwise; the images set 0.0.0.0 because they are isolated."""
    return os.environ.get("BIND_HOST", "127.0.0.1")


def model_directory() -> Path:
    """Where the model archive was unpacked (R4.2)."""
    return Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))


def main(build_app: Callable[[], Any], name: str, *, workers: int = 1) -> int:
    """Serve the ASGI application of `build_app` until SIGTERM. Returns the exit code.

    `build_app` loads the model before the port opens, so a listening container is a healthy one; a
    StartError it raises is printed as one line. An application that has `http` brings its own protocol class.
    """
    arguments = sys.argv[1:]
    if arguments not in ([], ["serve"]):
        print(f"{name}: unknown argument {' '.join(arguments)!r}; the only one is 'serve'", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    try:
        host, port = bind_host(), bind_port()
        app = build_app()
    except StartError as error:
        print(f"{name}: cannot start: {error}", file=sys.stderr)
        return 1
    import uvicorn  # noqa: PLC0415 - half of the start of containers that bring a server of their own

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=getattr(app, "http", "auto"),
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=25,
    )
    server = uvicorn.Server(config)
    leave_out_of_collections()
    server.run()
    return 0


def leave_out_of_collections() -> None:
    """What has been made until now is not looked at by the garbage collector any more.

    JPype lets each collection of Java's heap be followed by a full one of Python's, which took 25 ms ten
    times a second: a quarter of the time under load, and what every hundredth request waited for.
    """
    gc.collect()
    gc.freeze()
