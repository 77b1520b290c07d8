"""Mutes: which events are not shown for a while, who chose so and why, and the count of muted events. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from ..events.event import Event, LogLevel
from ..events.time_text import format_count, format_exact_span
from ..issues.fingerprint import OLD_FINGERPRINT, fingerprint
from ..issues.old_fingerprint import old_fingerprint

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION: Final = re.compile(r"\s*(\d{1,6})\s*([smhdw])\w*\s*", re.I)
# A longer mute is most likely a mistake, and one that is forgotten hides everything.
MAX_SECONDS: Final = 30 * 86400.0
_HOUR: Final = 3600.0


class MuteKind(StrEnum):
    """What a mute applies to."""

    DESTINATION = "destination"
    FINGERPRINT = "fingerprint"
    LOGGER = "logger"


@dataclass(frozen=True, slots=True)
class Mute:
    """Events of a destination, of a fingerprint, or of a logger and its children are not shown until `until` (wall clock).

    It ends earlier when more than `above` of them come within an hour (0: never), or when the bot's version is no longer
    `version` (empty: never).
    """

    kind: MuteKind
    target: str
    until: float
    since: float
    reason: str = ""
    by: str = ""
    above: int = 0
    version: str = ""

    @property
    def key(self) -> str:
        """The key under which it is stored; a second mute of the same target replaces the first."""
        return f"{self.kind.value}/{self.target}"

    def covers(self, event: Event, destination: str) -> bool:
        """Whether the mute applies to an event; by fingerprint, the event must be redacted."""
        if self.kind == MuteKind.DESTINATION:
            return destination == self.target
        if self.kind == MuteKind.LOGGER:
            return event.origin == self.target or event.origin.startswith(f"{self.target}.")
        is_old = OLD_FINGERPRINT.match(self.target) is not None
        return (old_fingerprint(event) if is_old else fingerprint(event)) == self.target


@dataclass(slots=True)
class MuteCount:
    """The count of muted events by level and destination, and the times of the first and the last."""

    levels: Counter[str] = field(default_factory=Counter[str])
    destinations: Counter[str] = field(default_factory=Counter[str])
    first: float | None = None
    last: float | None = None
    # The times of the newest ones, at most `Mute.above` + 1, to see whether that many come within an hour.
    recent: deque[float] = field(default_factory=deque[float], compare=False)

    @property
    def count(self) -> int:
        return sum(self.destinations.values())

    def add(self, event: Event, destination: str) -> None:
        """Count an event."""
        self.levels[event.level.value] += 1
        self.destinations[destination] += 1
        self.first = event.time if self.first is None else min(self.first, event.time)
        self.last = event.time if self.last is None else max(self.last, event.time)


class Mutes:
    """The mutes in force, each with its tally."""

    def __init__(self) -> None:
        self._mutes: dict[str, tuple[Mute, MuteCount]] = {}

    def __iter__(self) -> Iterator[tuple[Mute, MuteCount]]:
        return iter(list(self._mutes.values()))

    def __len__(self) -> int:
        return len(self._mutes)

    def add(self, mute: Mute, tally: MuteCount | None = None) -> None:
        """Begin a mute. One of the same key is replaced, and keeps its tally unless another is given."""
        known = self._mutes.get(mute.key)
        self._mutes[mute.key] = (mute, tally or (known[1] if known else MuteCount()))

    def end(self, key: str) -> tuple[Mute, MuteCount] | None:
        """End a mute now; None when there is none of that key."""
        return self._mutes.pop(key, None)

    def end_due(self, now: float) -> list[tuple[Mute, MuteCount]]:
        """End and return the mutes whose time is over."""
        due = [key for key, (mute, _) in self._mutes.items() if mute.until <= now]
        return [self._mutes.pop(key) for key in due]

    def next_end(self) -> float | None:
        """Return when the next mute ends; None without any. From any thread."""
        return min((mute.until for mute, _ in self), default=None)

    def admit(self, event: Event, names: Iterable[str], now: float, *, redacted: bool) -> tuple[str, ...]:
        """Return the destinations that may get the event, and count it for the mutes that apply to the others.

        Mutes of fingerprints apply once the event is redacted, all others before it, as redaction is the most expensive step.
        """
        kinds = (MuteKind.FINGERPRINT,) if redacted else (MuteKind.DESTINATION, MuteKind.LOGGER)
        asked = [pair for pair in self._mutes.values() if pair[0].kind in kinds and pair[0].until > now]
        admitted: list[str] = []
        for mute, tally in asked:
            if mute.above and any(mute.covers(event, name) for name in names) and _is_worse(mute, tally, now):
                # The mute ends with this event, which is shown.
                self._mutes[mute.key] = (replace(mute, until=now), tally)
        asked = [pair for pair in asked if self._mutes[pair[0].key][0].until > now]
        for name in names:
            tally = next((tally for mute, tally in asked if mute.covers(event, name)), None)
            if tally is None:
                admitted.append(name)
            else:
                tally.add(event, name)
        return tuple(admitted)


def _is_worse(mute: Mute, tally: MuteCount, now: float) -> bool:
    """Note one more event, and return whether more than the mute allows came within an hour."""
    tally.recent.append(now)
    while len(tally.recent) > mute.above + 1 or now - tally.recent[0] > _HOUR:
        tally.recent.popleft()
    return len(tally.recent) > mute.above


def merged(stored: MuteCount, local: MuteCount, before: MuteCount | None) -> MuteCount:
    """Return a stored tally, to which other processes add too, plus what was counted here since it was `before`."""
    base = before or MuteCount()
    times = [each for each in (stored.first, stored.last, local.first, local.last) if each is not None]
    return MuteCount(
        stored.levels + (local.levels - base.levels),
        stored.destinations + (local.destinations - base.destinations),
        min(times, default=None),
        max(times, default=None),
        local.recent,
    )


def parse_duration(text: str) -> float:
    """Return the seconds of "90s", "10 m", "1h 30m", "2 days"; raises a `ValueError` that says what to write."""
    position, seconds = 0, 0.0
    while position < len(text):
        match = _DURATION.match(text, position)
        if match is None:
            seconds = 0.0
            break
        seconds += int(match[1]) * _UNITS[match[2].lower()]
        position = match.end()
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"{text[:30]} is not a duration: write 10m, 1h 30m or 2d, at most {MAX_SECONDS / 86400:.0f} days")
    return seconds


def format_summary(mute: Mute, tally: MuteCount, now: float) -> str:
    """Return the text that reports the end of a mute."""
    how = "is over" if mute.until <= now else "was ended early"
    if mute.above and mute.until <= now and len(tally.recent) > mute.above:
        how = f"is over, as more than {mute.above} came within an hour,"
    why = f", reason: {mute.reason}" if mute.reason else ""
    head = f"The mute of {mute.kind.value} {mute.target} {how} after {format_exact_span(now - mute.since)}"
    head += f" (set by {mute.by}{why})" if mute.by or why else ""
    if not tally.count:
        return f"{head}: nothing was muted"
    order = sorted(tally.levels, key=lambda level: -LogLevel(level).number)
    levels = ", ".join(f"{tally.levels[level]} {level}" for level in order)
    where = ", ".join(f"{count} for {name}" for name, count in tally.destinations.most_common())
    return f"{head}: {format_count(tally.count, 'event was', 'events were')} muted ({levels}; {where})"


def mute_to_state(mute: Mute, tally: MuteCount) -> dict[str, Any]:
    """Return a JSON-able copy for the state store."""
    return {
        "kind": mute.kind.value,
        "target": mute.target,
        "until": mute.until,
        "since": mute.since,
        "reason": mute.reason,
        "by": mute.by,
        "above": mute.above,
        "version": mute.version,
        "levels": dict(tally.levels),
        "destinations": dict(tally.destinations),
        "first": tally.first,
        "last": tally.last,
    }


def mute_from_state(state: Mapping[str, Any]) -> tuple[Mute, MuteCount]:
    """Return the mute of `mute_to_state`; raises `KeyError`, `TypeError`, `ValueError` and others for any other value."""
    mute = Mute(
        MuteKind(state["kind"]),
        str(state["target"]),
        float(state["until"]),
        float(state["since"]),
        str(state["reason"]),
        str(state["by"]),
        int(state.get("above", 0)),
        str(state.get("version", "")),
    )
    if math.isnan(mute.until) or math.isnan(mute.since):
        raise ValueError("not a time")
    levels, destinations = (
        Counter({str(name): int(count) for name, count in state[part].items()}) for part in ("levels", "destinations")
    )
    first, last = (None if state[part] is None else float(state[part]) for part in ("first", "last"))
    return mute, MuteCount(levels, destinations, first, last)
