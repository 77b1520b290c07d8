"""What the tests of every storage have in common: outboxes that end with the test, losses, and all that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import Loss, Outbox
from statsbot_webhooks.storage.base import LeaseLostError


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def losses() -> list[Loss]:
    return []


def event(text: object, level: str = "INFO", time: float = 5.0) -> Event:
    return Event(EventKind.LOG, LogLevel(level), str(text), time)


def drain(outbox: Outbox, name: str = "a") -> list[str]:
    """Take out all that waits for a destination, in the order in which it leaves."""
    found: list[str] = []
    while entries := outbox.claim(name, 1000):
        found += [entry.event.message for entry in entries]
        outbox.ack(entries)
    return found


def calls_of(outbox: Outbox) -> Mapping[str, Callable[[], object]]:
    """Return each sort of call once: what is claimed is given back, so that it can leave."""

    def seal() -> None:
        entries = outbox.claim("a", 2)
        with suppress(LeaseLostError):
            outbox.seal(entries, "b", 1.0)
        outbox.release(entries, unseal=True)

    return {
        "put": lambda: outbox.put([("a", event("new"))]),
        "claim": lambda: outbox.release(outbox.claim("a", 2)),
        "seal": seal,
        "ack": lambda: outbox.ack(outbox.claim("a", 1)),
        "bury": lambda: outbox.bury(outbox.claim("a", 1), "why", 1.0),
        "move": lambda: outbox.move("a", "c"),
        "state": lambda: outbox.write_state({"key": 2}),
        "expire": lambda: outbox.release(outbox.expire(100.0)),
        "maintain": outbox.maintain,
    }
