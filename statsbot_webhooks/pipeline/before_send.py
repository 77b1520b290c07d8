"""The host's `before_send` hook, which sees each event first and may change or drop it. Nothing is redacted here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from ..clock import Clock
from ..events.event import Event

_log = logging.getLogger(__name__)
Hook = Callable[[Event], Event | None]
# Everything that is accepted waits behind a slow hook.
_SLOW_SECONDS: Final = 1.0


class BeforeSend:
    """Call the hook, and stop calling it when it fails."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.hook: Hook | None = None

    def apply(self, event: Event) -> Event | None:
        """Return the event as the hook returns it; None drops it. Never raises: when the hook does, the event stays as it was."""
        hook = self.hook
        if hook is None:
            return event
        started = self._clock.monotonic()
        try:
            # Any: the host's function may break its annotations.
            kept: Any = hook(event)
        except BaseException as error:  # noqa: BLE001 - a guard: a `sys.exit` of the host's hook would only end this thread
            return self._give_up(event, f"raised {type(error).__name__}")
        if self._clock.monotonic() - started > _SLOW_SECONDS:
            self._give_up(event, f"took longer than {_SLOW_SECONDS:.0f} s")
        if kept is None:
            return None
        if isinstance(kept, Event):
            return kept
        return self._give_up(event, f"returned {type(kept).__name__} and no event")

    def _give_up(self, event: Event, why: str) -> Event:
        name = getattr(self.hook, "__qualname__", type(self.hook).__name__)
        self.hook = None
        _log.warning("before_send hook %s %s and is no longer called", name, why)
        return event
