"""Leased calls: calls of the sender to Redis under its lease. Calls that only end something are queued while Redis is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base import LeaseLostError
from .redis_connection import RedisAwayError, RefusedError
from .sender_lease import Lease


class LeasedCalls:
    """The lease of this process, as its outbox knows it; `on_lost` is called when Redis says that another process has it."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._owed: list[Callable[[str], object]] = []
        self._lease: Lease | None = None

    @property
    def is_held(self) -> bool:
        return self._lease is not None

    def begin(self, lease: Lease) -> None:
        """Make calls under a lease from now on."""
        self._lease = lease

    def renew(self, lease: Lease) -> bool:
        """Continue under a lease; False when another process held one in between, so that everything must be read anew."""
        if self._lease is None or lease.token not in (self._lease.token, self._lease.token + 1):
            return False
        self._lease = lease
        return True

    def end(self) -> None:
        """Drop the lease and the queued calls, whose entries belong to another process now."""
        self._owed.clear()
        self._lease = None

    def settle(self) -> None:
        """Make the queued calls. Raises `RedisAwayError`."""
        while self._owed and self._lease is not None:
            try:
                self._owed[0](self._lease.text)
            except RefusedError:
                self._on_lost()
                return
            del self._owed[0]

    def do(self, work: Callable[[str], object]) -> bool:
        """Make a call that only ends something, now or later; False when the lease is lost."""
        try:
            self.settle()
            if self._lease is None:
                return False
            work(self._lease.text)
        except RedisAwayError:
            self._owed.append(work)
        except RefusedError:
            self._on_lost()
            return False
        return True

    def ask(self, work: Callable[[str], Any]) -> Any:
        """Return the result of a call; raises `LeaseLostError`, or `RedisAwayError`, after which it may have been done."""
        self.settle()
        if self._lease is None:
            raise LeaseLostError
        try:
            return work(self._lease.text)
        except RefusedError:
            self._on_lost()
            raise LeaseLostError from None
