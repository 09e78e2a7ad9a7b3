"""How the C library of a program of ours gives back memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3  # malloc.h
_MAPPED_FROM_BYTES = 512 * 1024


def return_large_buffers() -> None:
    """Let freed payloads and parts go back to the system at once.

    glibc would raise its threshold with the first large buffer that is freed, and keep later ones.
    """
    with suppress(OSError, AttributeError):  # another C library decides for itself
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
