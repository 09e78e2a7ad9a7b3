"""Exit code 0 when the container of this image answers GET /ping with 200 on its port (R4.9), else 1."""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_S = 2


def healthy(port: int) -> bool:
    """Whether the server on this machine's `port` says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)) else 1)
