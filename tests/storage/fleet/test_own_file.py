"""The own file of a process is used on the intake's thread; only whether it is empty may be asked on any."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from statsbot_webhooks.storage.fleet.own_file import OwnFile

from ..conftest import event


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Lets threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_any_thread_may_ask_whether_it_is_empty() -> None:
    file = OwnFile("one", "test", 1000, lambda _: None, None)
    file.open()
    has_ended, failures = threading.Event(), list[Exception]()

    def ask() -> None:
        while not has_ended.is_set():
            try:
                _ = file.is_empty
            except Exception as error:  # noqa: BLE001 - whichever it is, it must not reach the event loop
                failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    for number in range(100):
        # Each destination is new, and so is its queue.
        file.put([(f"{number}-{part}", event("waits")) for part in "ab"])
        assert not file.is_empty
        while entries := file.take():
            file.end(entries)
        assert file.is_empty
    has_ended.set()
    thread.join()
    file.close()
    assert not failures
