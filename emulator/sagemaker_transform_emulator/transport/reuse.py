"""Whether a request may be sent again when a kept-alive connection turns out to be closed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StaleRule:
    """Whether a request that got no byte of answer is sent once more on a new connection, uncounted.

    A server that gives up idle connections may do so in the very moment we write: its FIN and our request
    cross, and it never reads the request. Such a server has a keep-alive timeout of a second or more
    (gunicorn 2, uvicorn 5, Tomcat 20), so only a connection that was idle for `idle_s` can have met it;
    and the news is one round trip away, so it comes within `within_s` of the write. A connection that
    breaks in steady work, or after the container had time to think, is a failure of the container and
    left to the retry rules (R4.27).
    """

    idle_s: float = 0.5
    within_s: float = 0.25

    def allows(self, idle_s: float, waited_s: float) -> bool:
        """True when nobody can have read the request: idle that long before, closed that soon after."""
        return idle_s >= self.idle_s and waited_s <= self.within_s
