"""Sender lease: the thread of a process in a fleet that holds or watches the lease of the sender, and hears of the others.

It decides who sends, by the time of Redis alone, and stores no event. The sender publishes a beat every few seconds, so that
many idle processes cost next to nothing.
"""

from __future__ import annotations

import contextlib
import logging
import math
import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ...clock import Clock
from ...config.redis_address import RedisAddress
from ...events.event import CODEC
from . import lua_scripts
from .presence import Presence
from .redis_connection import RedisAwayError, RedisLink, RefusedError

_log = logging.getLogger(__name__)
# Another process takes over at the latest this long after the last renewal, plus about a second: within 15 s.
_LEASE_SECONDS: Final = 9.0
_RENEW_SECONDS: Final = 3.0
# Without a beat of the sender for this long, the others check whether the lease is free.
_SILENCE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 1.0
_LISTEN_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 1.0
_STATE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send. `text` is its value in Redis; `until` is a monotonic time at which it is still valid there."""

    token: int
    text: str
    until: float


class FleetThread:
    """Take the lease when it is free, collect what others did (`take_news`), and renew this process's sign of life."""

    def __init__(self, address: RedisAddress, clock: Clock, presence: Presence, on_news: Callable[[], None]) -> None:
        self.instance = uuid.uuid4().hex[:12]
        self.presence = presence
        self._link = RedisLink(address, clock)
        self._clock = clock
        self._prefix, self._db = address.prefix, address.db
        self._on_news = on_news
        self._news: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.lease: Lease | None = None
        # Why Redis takes nothing; empty when it does.
        self.problem = "has not been asked yet"
        self._due = dict.fromkeys(("renew", "look", "presence"), -math.inf)
        self._changes = ""
        self._is_state_new = False
        self._state_told = -math.inf

    # -- from any thread

    @property
    def is_held(self) -> bool:
        """Whether this process may send now, as far as it knows without asking Redis."""
        lease = self.lease
        return lease is not None and self._clock.monotonic() < lease.until

    def take_news(self) -> set[str]:
        """Return what happened since the last call, of "lease", "put", "state", "forget" and "back"."""
        with self._lock:
            news, self._news = self._news, set()
        return news

    @property
    def has_news(self) -> bool:
        return bool(self._news)

    def note(self, news: str) -> None:
        """Add news, and wake the owner."""
        with self._lock:
            self._news.add(news)
        self._on_news()

    # -- from the owner's thread

    def start(self) -> None:
        """Try for the lease at once, so that a single process sends from the start; then continue in a thread."""
        with contextlib.suppress(RedisAwayError):
            self._beat(self._link)
        self._stopping.clear()
        thread = threading.Thread(target=self._run, name="statsbot_webhooks-fleet", daemon=True)
        # From Python 3.12 on no thread starts while the interpreter ends; storing the last events needs none.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """End the thread, release the lease and delete the sign of life."""
        self._stopping.set()
        # Its publish wakes the thread up.
        self._release()
        if self._thread is not None:
            self._thread.join(_LISTEN_SECONDS * 4)
        # Again, because the thread may have acquired the lease meanwhile.
        self._release()
        with contextlib.suppress(RedisAwayError):
            self._link.run(lambda client: self.presence.leave(client, self.instance))
        self._link.close()

    def _release(self) -> None:
        lease, self.lease = self.lease, None
        if lease is not None:
            with contextlib.suppress(RedisAwayError, RefusedError):
                self._link.script(lua_scripts.RELEASE, [], [self._prefix, lease.text, self._db])

    def lose(self) -> None:
        """Note that Redis says that another process has the lease."""
        if self.lease is not None:
            self.lease = None
            self.note("lease")

    # -- the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._link.run(self._listen)
            except RedisAwayError as error:
                self._note_problem(error.reason)
            except Exception as error:  # noqa: BLE001 - a guard: the lease must not end for good with one odd answer
                self._note_problem("gave an answer that is not understood")
                _log.error("the watch over the lease of the sender failed (%s)", type(error).__name__)
            self._stopping.wait(_RETRY_SECONDS)

    def _listen(self, client: Any) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(f"{self._prefix}:news:{self._db}")
            # The confirmation: messages from now on are received.
            pubsub.get_message(timeout=_LISTEN_SECONDS)
            # Earlier messages were missed: new entries, changed state, or the hello of a process.
            self.note("put")
            self.note("state")
            self.hurry()
            while not self._stopping.is_set():
                self._beat(self._link)
                message = pubsub.get_message(timeout=_LISTEN_SECONDS)
                while message is not None:
                    self._hear(str(message["data"]))
                    message = pubsub.get_message(timeout=0)
                self._tell_state()

    def _hear(self, text: str) -> None:
        now = self._clock.monotonic()
        word, *rest = text.split(" ")
        if word == "put" and self.lease is not None:
            self.note("put")
        elif word == "state" and len(rest) == 2:  # noqa: PLR2004 - see lua_scripts.WRITE_STATE
            self._changes = rest[1]
            self._is_state_new |= rest[0] != self.instance
        elif word == "hello" and rest != [self.instance]:
            self._due["presence"] = -math.inf
        elif word == "forget":
            self.note("forget")
        elif word == "free":
            # At a random time, so that not all processes ask at once.
            self._due["look"] = now + random.uniform(0, _LISTEN_SECONDS / 2)  # noqa: S311 - no secret
        elif word == "beat" and len(rest) == 3:  # noqa: PLR2004 - see lua_scripts.RENEW
            self._hear_beat(now, *rest)

    def _tell_state(self) -> None:
        """Tell the owner to read the state again; at most once a second, because it reads all of it."""
        now = self._clock.monotonic()
        if self._is_state_new and now - self._state_told >= _STATE_SECONDS:
            self._is_state_new, self._state_told = False, now
            self.note("state")

    def _hear_beat(self, now: float, lease: str, changes: str, codec: str) -> None:
        self._due["look"] = now + _SILENCE_SECONDS
        if changes not in ("0", self._changes) and self._changes:
            self._is_state_new = True
        self._changes = changes if changes != "0" else self._changes
        if codec.isdigit() and int(codec) < CODEC:
            # The sender cannot read what this version writes, so it must give way to a process that can.
            with contextlib.suppress(RedisAwayError):
                self._link.run(lambda client: client.set(f"{self._prefix}:codec", CODEC, ex=30))

    def _beat(self, link: RedisLink) -> None:
        """Do what is due: renew the lease or try for it, and renew the sign of life."""
        now = self._clock.monotonic()
        if self.lease is not None:
            if now >= self._due["renew"]:
                self._renew(link, self.lease, now)
        elif now >= self._due["look"]:
            self._acquire(link, now)
        if now >= self._due["presence"]:
            self._say_presence(link, now)

    def _renew(self, link: RedisLink, lease: Lease, now: float) -> None:
        milliseconds = int(_LEASE_SECONDS * 1000)
        try:
            link.script(lua_scripts.RENEW, [], [self._prefix, lease.text, self._db, milliseconds, CODEC])
        except RefusedError:
            self._due["look"] = -math.inf
            self.lose()
            self._acquire(link, now)
            return
        self._due["renew"] = now + _RENEW_SECONDS
        self.lease = Lease(lease.token, lease.text, now + _LEASE_SECONDS)

    def _acquire(self, link: RedisLink, now: float) -> None:
        if self._stopping.is_set():
            return
        self._due["look"] = now + _LOOK_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        milliseconds = int(_LEASE_SECONDS * 1000)
        token, text = link.script(lua_scripts.ACQUIRE, [], [self._prefix, self._db, self.instance, milliseconds, CODEC])
        if token:
            self._due["renew"] = now + _RENEW_SECONDS
            self.lease = Lease(int(token), str(text), now + _LEASE_SECONDS)
            self.note("lease")

    def _say_presence(self, link: RedisLink, now: float) -> None:
        self._due["presence"] = now + self.presence.every_seconds
        try:
            if link.run(lambda client: self.presence.say(client, self.instance)):
                # The others must know at once that they are not alone.
                link.run(lambda client: client.publish(f"{self._prefix}:news:{self._db}", f"hello {self.instance}"))
        except RedisAwayError as error:
            if error.may_be_done:
                raise
            # On a server that takes no data, because its memory is full, say, the lease must still be kept.
            self._due["presence"] = now + _RETRY_SECONDS
            self._note_problem(error.reason)
            return
        if self.problem:
            self.problem = ""
            self.note("back")

    def hurry(self) -> None:
        """Check at the next opportunity whether Redis takes data."""
        self._due["presence"] = -math.inf

    def _note_problem(self, reason: str) -> None:
        self.problem = reason
        self.hurry()
