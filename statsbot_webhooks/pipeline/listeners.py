"""Parts of the host's process that go along with a manager, such as the hooks on a bot: told of choices and of other settings."""

from __future__ import annotations

import logging
from typing import Protocol

from ..config.renewal import Renews

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """What is told. Called on the loop."""

    def apply_choices(self) -> None:
        """Apply what admins chose."""
        ...

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        """Apply other settings."""
        ...


class Listeners:
    """The listeners of one manager."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        # How many could not follow what they were told.
        self.failures = 0

    def add(self, listener: Listener) -> None:
        """Tell a listener of changes until `remove`."""
        self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Do not tell a listener of changes any more."""
        self._listeners.remove(listener)

    def apply_choices(self) -> None:
        """Tell that admins chose something. One that fails keeps nothing from the others."""
        for listener in list(self._listeners):
            try:
                listener.apply_choices()
            except Exception:
                # A guard: the choice is made already, and the others are to hear of it.
                self.failures += 1
                _log.exception("a choice could not be applied to everything")

    async def reconfigure(self, renewed: frozenset[Renews]) -> None:
        """Tell that other settings hold. One that fails keeps nothing from the others."""
        for listener in list(self._listeners):
            try:
                await listener.on_reconfigured(renewed)
            except Exception:
                # A guard: the settings hold already.
                self.failures += 1
                _log.exception("not everything could be renewed after a change of the settings")
