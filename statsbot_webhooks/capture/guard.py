"""Guard between the host and our hooks: our failures are counted, logged once, and never raised into the host."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

_log = logging.getLogger(__name__)


class Guard:
    """Call hooks so that their failures are not raised; `failures` counts them."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.failures = 0

    def call(self, hook: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call a hook; an exception is counted, and logged the first time. CancelledError is raised."""
        try:
            hook(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the host must go on, also after a mistake of ours
            self._fail(error)

    async def wait(self, work: Awaitable[object]) -> None:
        """Await something, guarded in the same way."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failures += 1
        if self.failures == 1:
            # Without the text of the exception, which may hold secrets.
            _log.warning("%s could not be captured (%s); said once", self._what, type(error).__name__)
