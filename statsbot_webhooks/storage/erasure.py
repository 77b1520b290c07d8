"""Erasure: find and delete what the storage holds about a person, or about a time too long ago. On the outbox's thread."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..redaction.masking import pseudonym
from . import Forgotten, Outbox
from .damaged_files import delete_damaged
from .expired_file import filter_expired
from .mask_key import MASK_KEY

# Choices of admins, which hold nothing about members.
_CHOICES: Final = ("switch/", "level/", "url/", MASK_KEY)
_CARDS: Final = "card/"
_TIME: Final = re.compile(r'"event": ?\[\d+, ?"\w+", ?"\w+", ?(-?[\d.e+]+)')


class Trace:
    """The words for a person in stored texts: the id, the pseudonym, and the given names."""

    def __init__(self, user_id: int, names: Iterable[str], mask_key: bytes) -> None:
        # Stored texts are JSON in ASCII.
        words = [str(user_id), pseudonym(mask_key, str(user_id)), *(json.dumps(name)[1:-1] for name in names if name.strip())]
        self.words = tuple(words)
        # Cards hold events as JSON within JSON. The last letter of an escape such as \n does not belong to a word behind it.
        spellings = dict.fromkeys(each for word in words for each in (word, json.dumps(word)[1:-1]))
        before = r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4}))"
        self._pattern = re.compile("|".join(rf"{before}{re.escape(word)}(?![A-Za-z0-9])" for word in spellings))

    def is_in(self, text: str) -> bool:
        """Whether a stored text names the person."""
        return self._pattern.search(text) is not None


def forget(outbox: Outbox, storage: Path | None, trace: Trace) -> Forgotten:
    """Delete what names a person, except for entries being sent. Raises `OSError` for the files beside the storage."""
    state = {name: value for name, value in outbox.read_state("").items() if not name.startswith(_CHOICES)}
    known = [name for name, value in state.items() if trace.is_in(name) or trace.is_in(json.dumps(value))]
    outbox.write_state(dict.fromkeys(known))
    forgotten = outbox.forget(trace.words, trace.is_in)
    if storage is None:
        return replace(forgotten, cards=len(known))
    lines = filter_expired(storage, lambda line: not trace.is_in(line))
    return replace(forgotten, cards=len(known), expired=lines, damaged=delete_damaged(storage, trace.is_in))


def forget_old(outbox: Outbox, storage: Path | None, now: float, seconds: float) -> int:
    """Delete cards that were last shown more than `seconds` ago, and expired lines of twice that age; returns how many.

    Twice, because an expired line had that age already when it was written. Raises `OSError`.
    """
    old = [key for key, value in outbox.read_state(_CARDS).items() if _shown(value) < now - seconds]
    outbox.write_state(dict.fromkeys(old))
    return len(old) + (filter_expired(storage, lambda line: _time(line) >= now - 2 * seconds) if storage is not None else 0)


def _shown(card: Any) -> float:
    shown: Any = card.get("shown") if isinstance(card, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return shown if isinstance(shown, (int, float)) else 0.0


def _time(line: str) -> float:
    found = _TIME.search(line)
    try:
        return float(found[1]) if found else 0.0
    except ValueError:
        # The line was cut, so it has no readable time.
        return 0.0
