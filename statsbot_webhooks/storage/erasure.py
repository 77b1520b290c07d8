"""Erasure: find and delete what the storage holds about a person, or about a time too long ago. On the outbox's thread."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ..redaction.masking import pseudonym
from .base import Forgotten, Outbox
from .damaged_files import delete_damaged
from .expired_file import filter_expired
from .mask_key import MASK_KEY

# Prefix of the keys of erasure requests, which `erasure_requests` writes.
REQUESTS: Final = "forget/"
_KEPT: Final = ("switch/", "level/", "url/", MASK_KEY, REQUESTS)
_CARDS: Final = "card/"
# The time of an event, by itself or in an expired line, and of a line of the JSON log.
_TIME: Final = re.compile(r'(?:\A|"event": ?)\[\d+, ?"\w+", ?"\w+", ?(-?[\d.e+]+)')
_ISO_TIME: Final = re.compile(r'\A\{"time": ?"([^"]+)"')


class Trace:
    """The words for a person in stored texts (JSON in ASCII). Events and lines later than `until` (wall clock) are not meant."""

    def __init__(self, words: Iterable[str], until: float = math.inf) -> None:
        self.words = tuple(words)
        self._until = until
        # Cards hold events as JSON within JSON. The last letter of an escape such as \n does not belong to a word behind it.
        spellings = dict.fromkeys(each for word in self.words for each in (word, json.dumps(word)[1:-1]))
        before = r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4}))"
        self._pattern = re.compile("|".join(rf"{before}{re.escape(word)}(?![A-Za-z0-9])" for word in spellings))

    def is_in(self, text: str) -> bool:
        """Whether a stored text names the person."""
        return self._pattern.search(text) is not None and _time(text) <= self._until


def trace_of(user_id: int, names: Iterable[str], mask_key: bytes) -> Trace:
    """Return the trace of a person: the id, the pseudonym, and the given names."""
    return Trace([str(user_id), pseudonym(mask_key, str(user_id)), *(json.dumps(name)[1:-1] for name in names if name.strip())])


def forget(outbox: Outbox, storage: Path | None, trace: Trace) -> Forgotten:
    """Delete what names a person, except for entries being sent. Raises `OSError` for the files beside the storage."""
    state = {name: value for name, value in outbox.read_state("").items() if not name.startswith(_KEPT)}
    known = [name for name, value in state.items() if trace.is_in(name) or trace.is_in(json.dumps(value))]
    outbox.write_state(dict.fromkeys(known))
    forgotten = outbox.forget(trace.words, trace.is_in)
    if storage is None:
        return replace(forgotten, cards=len(known))
    lines = filter_expired(storage, lambda line: not trace.is_in(line))
    return replace(forgotten, cards=len(known), expired=lines, damaged=delete_damaged(storage, trace.is_in))


def forget_old(outbox: Outbox, storage: Path | None, now: float, seconds: float) -> int:
    """Delete cards last shown more than `seconds` ago, and expired lines and requests of twice that age; returns how many.

    Twice, because an expired line had that age already when it was written. Raises `OSError`.
    """
    old = [key for key, value in outbox.read_state(_CARDS).items() if _number(value, "shown") < now - seconds]
    old += [key for key, value in outbox.read_state(REQUESTS).items() if _number(value, "time") < now - 2 * seconds]
    outbox.write_state(dict.fromkeys(old))
    return len(old) + (filter_expired(storage, lambda line: _time(line) >= now - 2 * seconds) if storage is not None else 0)


def _number(state: Any, name: str) -> float:
    found: Any = state.get(name) if isinstance(state, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found if isinstance(found, (int, float)) else 0.0


def _time(text: str) -> float:
    """Return the time of an event or line; 0 for any other text, and for a line that was cut."""
    try:
        if found := _TIME.search(text):
            return float(found[1])
        return datetime.fromisoformat(found[1]).timestamp() if (found := _ISO_TIME.search(text)) else 0.0
    except (ValueError, OverflowError):
        return 0.0
