"""Clocks that tests set."""

from __future__ import annotations

from collections.abc import Callable

from statsbot_webhooks.clock import SystemClock


class WallClock(SystemClock):
    """A clock whose wall time a test gives; everything else is the machine's."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now  # type: ignore[method-assign]
