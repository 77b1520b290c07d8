"""Erasure requests: persons whom every process that shares the storage forgets, also one that is down, when it starts.

They are kept for as long as anything older may be, and hold the words for the person. What is deleted is in `erasure`.
"""

from __future__ import annotations

import hashlib
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .base import Outbox
from .erasure import REQUESTS, Trace

# Events may be later than the request by this much, because the clocks of machines differ.
_SKEW_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A stored request; `done` are the marks of the processes that have done their part."""

    key: str
    trace: Trace
    done: Sequence[str]


def ask_others(outbox: Outbox, trace: Trace, now: float) -> None:
    """Ask every process of the fleet, this one too, to forget a person; does nothing without a fleet."""
    if outbox.fleet.name:
        outbox.write_state({f"{REQUESTS}{uuid.uuid4().hex[:12]}": {"words": trace.words, "time": now, "done": []}})


def read_requests(state: Mapping[str, Any]) -> list[ErasureRequest]:
    """Return the requests of stored state; what cannot be read is skipped."""
    found: list[ErasureRequest] = []
    for key, value in state.items():
        try:
            trace = Trace(map(str, value["words"]), float(value["time"]) + _SKEW_SECONDS)
            found.append(ErasureRequest(key, trace, list(map(str, value["done"]))))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return found


def open_requests(outbox: Outbox) -> list[ErasureRequest]:
    """Return the requests of which this process has not done its part."""
    mark = _mark(outbox)
    return [request for request in read_requests(outbox.read_state(REQUESTS)) if mark not in request.done]


def note_done(outbox: Outbox, request: ErasureRequest) -> None:
    """Note that this process has done its part, so that its next start does not do it again."""
    mark = _mark(outbox)

    def add(stored: Any) -> Any:
        return stored if stored is None or mark in stored["done"] else {**stored, "done": [*stored["done"], mark]}

    outbox.update_state({request.key: add}, is_news=False)


def _mark(outbox: Outbox) -> str:
    """Return a mark of this process and its files, the same after a restart."""
    text = f"{socket.gethostname()}\n{Path().absolute()}\n{outbox.fleet.name}"
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
