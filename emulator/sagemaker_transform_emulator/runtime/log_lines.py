"""What a container writes, cut into lines. Pure."""

from __future__ import annotations

LONGEST_LINE_BYTES = 64 * 1024


class Lines:
    """Cuts stdout and stderr, each on its own, into lines of at most 64 KiB; interleaved as they end."""

    def __init__(self) -> None:
        self._rests: dict[int, list[bytes]] = {}
        self._sizes: dict[int, int] = {}

    def feed(self, stream: int, data: bytes) -> list[str]:
        """The lines of stream 1 or 2 that are complete now."""
        first, *more = data.split(b"\n")
        found: list[str] = []
        self._add(stream, first, found)
        for piece in more:
            found.append(self._take(stream))
            self._add(stream, piece, found)
        return found

    def end(self) -> list[str]:
        """What was written without a newline at the end."""
        return [self._take(stream) for stream in sorted(self._rests) if self._sizes.get(stream)]

    def _add(self, stream: int, piece: bytes, found: list[str]) -> None:
        for start in range(0, len(piece), LONGEST_LINE_BYTES):
            part = piece[start : start + LONGEST_LINE_BYTES]
            if self._sizes.get(stream, 0) + len(part) > LONGEST_LINE_BYTES:
                found.append(self._take(stream))
            self._rests.setdefault(stream, []).append(part)
            self._sizes[stream] = self._sizes.get(stream, 0) + len(part)

    def _take(self, stream: int) -> str:
        line = b"".join(self._rests.pop(stream, ()))
        self._sizes[stream] = 0
        return line.removesuffix(b"\r").decode("utf-8", "replace")
