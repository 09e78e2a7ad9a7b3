"""Fixtures of this folder that start something."""

from __future__ import annotations

from minio_server import minio

__all__ = ["minio"]
