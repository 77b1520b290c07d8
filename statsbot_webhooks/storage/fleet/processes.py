"""The fleet of a Redis, as one of its processes sees it. It decides nothing: the lease is in `sender_lease`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..base import LeaseLostError, Member
from . import lua_scripts
from .redis_connection import RedisAwayError, RedisLink, RefusedError
from .sender_lease import FleetThread
from .streams import Streams

# Longer than any pause that Discord asks for. The remaining time to live says how old the knowledge is.
_LIMITS_SECONDS: Final = 172_800


class RedisFleet:
    """The processes that share a Redis. `term` and the arrivals are set by the outbox, on its thread."""

    def __init__(self, name: str, link: RedisLink) -> None:
        self.name = name
        self.on_news: Callable[[], None] = _nothing
        self.term: int | None = None
        self.arrivals: set[str] = set()
        self.thread: FleetThread | None = None
        self._link = link
        self._facts: dict[str, str] = {}
        # Whether `maintain` has work left, although other processes did nothing.
        self.is_unfinished = False

    @property
    def has_others(self) -> bool:
        return self.thread is not None and self.thread.presence.others > 0

    @property
    def label(self) -> str:
        return self.thread.presence.label if self.has_others and self.thread is not None else ""

    @property
    def has_news(self) -> bool:
        return self.is_unfinished or (self.thread is not None and self.thread.has_news)

    @property
    def may_send(self) -> bool:
        return self.term is not None and self.thread is not None and self.thread.is_held

    def ring(self) -> None:
        """Call `on_news` as it is now."""
        self.on_news()

    def take_arrivals(self) -> set[str]:
        arrivals, self.arrivals = self.arrivals, set()
        return arrivals

    def describe(self, version: str, shards: str) -> None:
        self._facts = {"version": version, "shards": shards}
        self.use(self.thread)

    def use(self, thread: FleetThread | None) -> None:
        """Use another thread from now on."""
        self.thread = thread
        if thread is not None:
            thread.presence.describe(**self._facts)
            thread.hurry()

    def members(self) -> Sequence[Member]:
        if self.thread is None:
            return ()
        thread = self.thread
        sender = self._sender_instance()
        try:
            return self._link.run(lambda client: thread.presence.members(client, sender))
        except RedisAwayError:
            return ()

    def _sender_instance(self) -> str:
        try:
            lease = self._link.run(lambda client: client.get(f"{self._link.address.prefix}:lease"))
        except RedisAwayError:
            return ""
        return str(lease or "").partition(":")[2]

    def take_departed(self) -> Sequence[Member]:
        if self.thread is None or self.term is None:
            return ()
        thread = self.thread
        try:
            return self._link.run(thread.presence.departed)
        except RedisAwayError:
            return ()

    def backlog(self) -> Mapping[str, int]:
        try:
            return Streams(self._link, "").lengths()
        except RedisAwayError:
            return {}

    def keep_limits(self, name: str, text: str) -> bool:
        lease = self.thread.lease if self.thread is not None else None
        if lease is None:
            return False
        try:
            self._link.script(lua_scripts.KEEP_LIMITS, [], [self._link.address.prefix, lease.text, name, text, _LIMITS_SECONDS])
        except (RedisAwayError, RefusedError):
            return False
        return True

    def kept_limits(self, name: str) -> tuple[str, float] | None:
        key = f"{self._link.address.prefix}:limits:{name}"

        def work(client: Any) -> Any:
            with client.pipeline(transaction=True) as pipeline:
                pipeline.get(key)
                pipeline.pttl(key)
                return pipeline.execute()

        try:
            text, left = self._link.run(work)
        except RedisAwayError:
            # Nothing may leave before it is known what was learned.
            raise LeaseLostError from None
        return None if text is None else (text, max(_LIMITS_SECONDS - left / 1000, 0.0))


def _nothing() -> None:
    pass
