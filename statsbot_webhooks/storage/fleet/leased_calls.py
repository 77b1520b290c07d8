"""Calls of the sender to Redis, each under its lease. What only ends something is owed when Redis is away, and done later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base import LeaseLostError
from .redis_connection import RedisAwayError, RefusedError
from .sender_lease import Lease


class LeasedCalls:
    """The lease of this process, as far as its outbox knows; `on_lost` is called when Redis says that it is another's."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._owed: list[Callable[[str], object]] = []
        self._lease: Lease | None = None

    @property
    def is_held(self) -> bool:
        return self._lease is not None

    def begin(self, lease: Lease) -> None:
        """Call under a lease."""
        self._lease = lease

    def renew(self, lease: Lease) -> bool:
        """Go on under a lease without another one between; False when there was one, and all is to be learned anew."""
        if self._lease is None or lease.token not in (self._lease.token, self._lease.token + 1):
            return False
        self._lease = lease
        return True

    def end(self) -> None:
        """Do nothing any more, also nothing that is owed: what it was about is another process's."""
        self._owed.clear()
        self._lease = None

    def settle(self) -> None:
        """Do what is owed. Raises `RedisAwayError`."""
        while self._owed and self._lease is not None:
            try:
                self._owed[0](self._lease.text)
            except RefusedError:
                self._on_lost()
                return
            del self._owed[0]

    def do(self, work: Callable[[str], object]) -> bool:
        """Do something that ends something, now or later; False when the lease is lost."""
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
        """Return what a call returns; raises `LeaseLostError`, or `RedisAwayError` when it is not known what Redis did."""
        self.settle()
        if self._lease is None:
            raise LeaseLostError
        try:
            return work(self._lease.text)
        except RefusedError:
            self._on_lost()
            raise LeaseLostError from None
