"""Listeners: parts outside of the manager, such as the hooks on a bot, that follow admins' choices and changed settings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from ..config.renewal import Renews

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """A part that follows choices and settings. Called on the loop."""

    def apply_choices(self) -> None:
        """Apply what admins chose."""
        ...

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        """Apply the new settings; `renewed` says which parts they concern."""
        ...

    def forget(self) -> None:
        """Submit what is held of members for later, and drop it."""
        ...


class Listeners:
    """The listeners of one manager. `on_added` is called after each that is added, whose modules may be new."""

    def __init__(self, on_added: Callable[[], object] = lambda: None) -> None:
        self._on_added = on_added
        self._listeners: list[Listener] = []
        # How many calls of listeners raised.
        self.failures = 0

    def add(self, listener: Listener) -> None:
        """Call a listener at each change, until `remove`."""
        self._listeners.append(listener)
        self._on_added()

    def remove(self, listener: Listener) -> None:
        """Stop calling a listener. Raises `ValueError` when it was not added."""
        self._listeners.remove(listener)

    def apply_choices(self) -> None:
        """Call `apply_choices` of every listener; one that raises does not stop the others."""
        self._call(lambda listener: listener.apply_choices(), "a choice could not be applied to everything")

    def forget(self) -> None:
        """Call `forget` of every listener, in the same way."""
        self._call(lambda listener: listener.forget(), "what is held of members could not be dropped everywhere")

    def _call(self, act: Callable[[Listener], None], failure: str) -> None:
        for listener in list(self._listeners):
            try:
                act(listener)
            except Exception:
                # A guard: the choice is made already, and the other listeners must apply it.
                self.failures += 1
                _log.exception("%s", failure)

    async def reconfigure(self, renewed: frozenset[Renews]) -> None:
        """Call `on_reconfigured` of every listener; one that raises does not stop the others."""
        for listener in list(self._listeners):
            try:
                await listener.on_reconfigured(renewed)
            except Exception:
                # A guard: the settings are in force already.
                self.failures += 1
                _log.exception("not everything could be renewed after a change of the settings")
