"""Buttons of the card menu, by their custom ids: each is issued to one user, for one use, and means nothing to others."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .permissions import Denial

PREFIX: Final = "statsbot_webhooks:"
# An ephemeral answer cannot be changed for longer than this.
_LIFE_SECONDS: Final = 15 * 60.0
_OPEN: Final = 500


@dataclass(frozen=True, slots=True)
class Action:
    """What a button does: `verb`, to what, for how many seconds."""

    verb: str
    target: str
    seconds: float = 0.0
    about: str = ""


@dataclass(frozen=True, slots=True)
class _Ticket:
    action: Action
    user_id: int
    until: float


class Tickets:
    """The buttons that are out. `monotonic` is seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._open: OrderedDict[str, _Ticket] = OrderedDict()
        self._used: OrderedDict[str, None] = OrderedDict()

    def issue(self, action: Action, user_id: int) -> str:
        """Return the custom id of a button for a user."""
        custom_id = PREFIX + secrets.token_urlsafe(24)
        self._open[custom_id] = _Ticket(action, user_id, self._monotonic() + _LIFE_SECONDS)
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)
        return custom_id

    def redeem(self, custom_id: str, user_id: int) -> Action | Denial:
        """Return what a pressed button does, once; or why it does nothing."""
        ticket = self._open.get(custom_id)
        if ticket is None:
            return Denial.REPLAYED if custom_id in self._used else Denial.FORGED
        if ticket.user_id != user_id:
            # The answer was ephemeral: only a changed client can press the button of another user.
            return Denial.FORGED
        del self._open[custom_id]
        self._used[custom_id] = None
        if len(self._used) > _OPEN:
            self._used.popitem(last=False)
        return ticket.action if self._monotonic() <= ticket.until else Denial.STALE
