"""What the tests of every storage have in common: outboxes that end with the test, losses, and all that waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from statsbot_webhooks.storage import Loss, Outbox


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def losses() -> list[Loss]:
    return []


def drain(outbox: Outbox, name: str = "a") -> list[str]:
    """Take out all that waits for a destination, in the order in which it leaves."""
    found: list[str] = []
    while entries := outbox.claim(name, 1000):
        found += [entry.event.message for entry in entries]
        outbox.ack(entries)
    return found
