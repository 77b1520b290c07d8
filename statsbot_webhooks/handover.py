"""What one manager leaves to the next when its storage is memory; a file needs no handing over. On the intake's threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .storage import DeadLetter, Entry, Outbox

_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Rest:
    """Everything that an outbox held."""

    letters: Sequence[DeadLetter]
    entries: Sequence[Entry]
    state: dict[str, Any]


def take_rest(outbox: Outbox) -> Rest:
    """Take out everything; leased entries must have been given back."""
    letters = outbox.dead_letters(_MANY)
    return Rest(letters, outbox.expire(math.inf), outbox.read_state(""))


def put_rest(outbox: Outbox, rest: Rest) -> None:
    """Put the events into an outbox that holds none yet."""
    for letter in rest.letters:
        outbox.put([(letter.destination, letter.event)])
        outbox.bury(outbox.claim(letter.destination, 1), letter.reason, letter.time)
    outbox.put([(entry.destination, entry.event) for entry in rest.entries])
