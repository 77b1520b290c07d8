"""Which of Discord's messages speak of one and the same departure. Pure; `now` is an argument, nothing is claimed twice.

Discord tells of one ban in up to three messages, in any order: the ban, the leave, the audit log entry. Of a kick it tells
in two, of a prune in one entry and as many leaves as there were members. An entry may come late, or never.

A departure is shown when what explains it is there, or after `WAIT_SECONDS`; what comes later shows it again, corrected,
under the same card. An entry is matched by its own time where there is a choice: it belongs to the stay that it falls into,
measured against `joined_at`, which Discord's clock wrote as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Final

from ...events.bounded_dict import BoundedDict
from .profiles import AuditEntry, GuildProfile, Who
from .prunes import Prune

WAIT_SECONDS: Final = 3.0
"""How long a departure waits for the entry that explains it."""
REMEMBER_SECONDS: Final = 600.0
"""How long a late entry still finds its departure."""
SOFTBAN_SECONDS: Final = 60.0
"""An unban that follows its ban within this time is part of it."""
# Gateway messages of one ban or kick are not further apart than this.
_TOGETHER_SECONDS: Final = 60.0
_MAX_REMEMBERED: Final = 5_000
_MAX_SAME: Final = 10
_MAX_GONE: Final = 10_000


class Type(StrEnum):
    """What became of a member; the origin of the event."""

    LEAVE = "leave"
    KICK = "kick"
    BAN = "ban"
    SOFTBAN = "softban"
    UNBAN = "unban"


_REMOVALS: Final = (Type.KICK, Type.BAN, Type.SOFTBAN)


@dataclass(slots=True, eq=False)
class Departure:
    """One person's departure, or the lifting of a ban, as far as it is known. `due` is None once it has been shown."""

    type: Type
    place: GuildProfile
    who: Who
    time: float
    due: float | None
    entry: AuditEntry | None = None
    unban_entry: AuditEntry | None = None
    unbanned: float | None = None
    returned: float | None = None
    prune: Prune | None = None
    has_left: bool = False
    # Whether it was shown by itself, and in a card that can be corrected; one of many is a line of a list.
    is_shown: bool = False
    is_carded: bool = False
    is_told: set[Type] = field(default_factory=set[Type])

    @property
    def may_change(self) -> bool:
        """Whether something may still come that this speaks of: an entry, a leave, the lifting of a ban."""
        if self.type in (Type.LEAVE, Type.BAN):
            return True
        return (self.unban_entry if self.type is Type.UNBAN else self.entry) is None

    @property
    def card(self) -> str:
        """The key under which a correction replaces what is shown."""
        return f"member/{self.place.id}/{self.who.id}/{int(self.time * 1000)}"


@dataclass(frozen=True, slots=True)
class Gone:
    """When a person left a server, and how."""

    time: float
    type: Type


class Departures:
    """Put together what belongs together. `show` is called once for each departure, and again when more is known."""

    def __init__(self, show: Callable[[Departure], object], show_prune: Callable[[Prune], object]) -> None:
        self._show = show
        self._show_prune = show_prune
        self._known: BoundedDict[tuple[int, int], list[Departure]] = BoundedDict(_MAX_REMEMBERED)
        self._waiting: dict[int, Departure] = {}
        self._prunes: list[Prune] = []
        self._gone: BoundedDict[tuple[int, int], Gone] = BoundedDict(_MAX_GONE)

    # -- what Discord says

    def leave(self, place: GuildProfile, who: Who, now: float) -> None:
        """A member is not there any more."""
        for departure in self._of(place, who):
            in_time = departure.due is not None or now - departure.time < _TOGETHER_SECONDS
            if departure.type in _REMOVALS and not departure.has_left and in_time and departure.returned is None:
                departure.has_left, departure.place = True, place
                self._learn(departure, who)
                self._correct(departure)
                return
        departure = self._begin(Type.LEAVE, place, who, now)
        departure.has_left = True
        for prune in self._prunes:
            if prune.takes(departure.place.id, who, now):
                self._fold(departure, prune, now)

    def ban(self, place: GuildProfile, who: Who, now: float) -> None:
        """A person was banned, whether a member or not."""
        for departure in self._of(place, who):
            by_entry = departure.type in (Type.BAN, Type.SOFTBAN) and Type.BAN not in departure.is_told
            # A leave that is shown was one before the ban: a person who had left can be banned too.
            if by_entry or (departure.type in (Type.LEAVE, Type.KICK) and departure.due is not None):
                self._turn(departure, departure.type if by_entry else Type.BAN, place, who)
                departure.is_told.add(Type.BAN)
                self._correct(departure)
                return
        self._begin(Type.BAN, place, who, now).is_told.add(Type.BAN)

    def unban(self, place: GuildProfile, who: Who, now: float) -> None:
        """A ban was lifted."""
        for departure in self._of(place, who):
            if departure.type is Type.BAN:
                break
            if departure.type in (Type.SOFTBAN, Type.UNBAN) and Type.UNBAN not in departure.is_told:
                departure.is_told.add(Type.UNBAN)
                return
        self._lift(place, who, now).is_told.add(Type.UNBAN)

    def join(self, place: GuildProfile, who: Who, now: float) -> Gone | None:
        """A person joined; returns when and how the person was last seen leaving. What waits of them is shown first."""
        for departure in self._of(place, who):
            if departure.due is not None:
                self._finish(departure)
            if departure.returned is None:
                departure.returned = who.joined or now
        return self._gone.get((place.id, who.id))

    def explain(self, entry: AuditEntry, place: GuildProfile, who: Who, now: float) -> None:
        """An entry of the audit log about a kick, a ban or an unban."""
        if entry.action == Type.UNBAN:
            self._explain_unban(entry, place, who, now)
            return
        wanted = (Type.LEAVE, Type.KICK) if entry.action == Type.KICK else (Type.BAN, Type.SOFTBAN)
        for departure in self._of(place, who):
            if departure.entry is not None and departure.entry.id == entry.id:
                return
            waits = entry.action == Type.BAN and departure.type in (Type.LEAVE, Type.KICK) and departure.due is not None
            is_free = departure.entry is None or waits
            if is_free and (departure.type in wanted or waits) and _falls_into(entry, departure):
                # A softban stays one when its first entry comes late.
                self._turn(departure, departure.type if departure.type in wanted[1:] else Type(entry.action), place, who)
                departure.entry = entry
                self._correct(departure)
                return
            # A kick does not explain away a ban.
            if entry.action == Type.KICK and departure.type in (Type.BAN, Type.SOFTBAN) and _falls_into(entry, departure):
                return
        self._begin(Type(entry.action), place, who, now).entry = entry

    def explain_prune(self, entry: AuditEntry, place: GuildProfile, now: float) -> None:
        """An entry of the audit log about a prune; leaves around it that nothing else explains belong to it, or may."""
        if any(prune.entry.id == entry.id for prune in self._prunes):
            return
        prune = Prune(entry, place, now, now + WAIT_SECONDS)
        self._prunes.append(prune)
        for departure in [each for departures in self._known.values() for each in departures]:
            is_open = departure.type is Type.LEAVE and departure.prune is None and departure.returned is None
            if is_open and prune.reaches_back_to(departure.time) and prune.may_have_taken(departure.place.id, departure.who, now):
                self._fold(departure, prune, now)

    # -- time

    @property
    def next_due(self) -> float | None:
        """When `tick` has something to do, if ever."""
        # All wait equally long, so the first is due first.
        times = [departure.due for departure in islice(self._waiting.values(), 1)]
        times += [prune.due for prune in self._prunes]
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Show what has waited long enough, and forget what is long over."""
        for departure in [each for each in self._waiting.values() if each.due is not None and each.due <= now]:
            self._finish(departure)
        for prune in self._prunes:
            if prune.due is not None and prune.due <= now:
                prune.due = None
                self._show_prune(prune)
        self._prunes = [prune for prune in self._prunes if now - prune.time < REMEMBER_SECONDS]
        self._forget(now)

    def flush(self) -> None:
        """Show everything that waits."""
        for departure in list(self._waiting.values()):
            self._finish(departure)
        for prune in self._prunes:
            if prune.due is not None:
                prune.due = None
                self._show_prune(prune)

    # -- inside

    def _of(self, place: GuildProfile, who: Who) -> list[Departure]:
        """Return what is remembered of a person in a server, newest first."""
        return self._known.get((place.id, who.id), [])[::-1]

    def _begin(self, kind: Type, place: GuildProfile, who: Who, now: float) -> Departure:
        departure = Departure(kind, place, who, now, now + WAIT_SECONDS)
        key = (place.id, who.id)
        self._waiting[id(departure)] = departure
        same = [*self._known.get(key, ()), departure]
        forgotten = self._known.put(key, same) or []
        if len(same) > _MAX_SAME:
            forgotten.append(same.pop(0))
        for oldest in forgotten:
            if oldest.due is not None:
                self._finish(oldest)
        return departure

    def _turn(self, departure: Departure, kind: Type, place: GuildProfile, who: Who) -> None:
        departure.type = kind
        # What the bot may see can have changed; how many members there are is said as of the departure.
        departure.place = replace(place, member_count=departure.place.member_count)
        self._learn(departure, who)
        if departure.prune is not None:
            # A moderator removed this one, so it was not the prune.
            departure.prune.release(departure.who)
            departure.prune = None

    def _learn(self, departure: Departure, who: Who) -> None:
        departure.who = departure.who.with_facts_of(who)

    def _correct(self, departure: Departure) -> None:
        """Show a departure again that was shown before it was known in full."""
        if departure.due is None:
            self._finish(departure)

    def _finish(self, departure: Departure) -> None:
        departure.due = None
        self._waiting.pop(id(departure), None)
        if departure.has_left or departure.type in _REMOVALS:
            key = (departure.place.id, departure.who.id)
            self._gone.put(key, Gone(departure.time, departure.type))
        self._show(departure)

    def _lift(self, place: GuildProfile, who: Who, now: float) -> Departure:
        for departure in self._of(place, who):
            is_open = departure.type is Type.BAN and departure.returned is None
            if is_open and now - departure.time < SOFTBAN_SECONDS:
                departure.type, departure.unbanned = Type.SOFTBAN, now
                self._correct(departure)
                return departure
        return self._begin(Type.UNBAN, place, who, now)

    def _explain_unban(self, entry: AuditEntry, place: GuildProfile, who: Who, now: float) -> None:
        for departure in self._of(place, who):
            if departure.unban_entry is not None and departure.unban_entry.id == entry.id:
                return
            if departure.type in (Type.SOFTBAN, Type.UNBAN) and departure.unban_entry is None:
                break
        else:
            departure = self._lift(place, who, now)
        departure.unban_entry = entry
        self._learn(departure, who)
        self._correct(departure)

    def _fold(self, departure: Departure, prune: Prune, now: float) -> None:
        departure.prune = prune
        prune.take(departure.who, departure.time, now)
        if departure.due is not None:
            departure.due = None
            del self._waiting[id(departure)]
            self._gone.put((departure.place.id, departure.who.id), Gone(departure.time, departure.type))
        else:
            self._show(departure)

    def _forget(self, now: float) -> None:
        while self._known:
            key, departures = next(iter(self._known.items()))
            if any(each.due is not None or now - each.time < REMEMBER_SECONDS for each in departures):
                return
            del self._known[key]


def _falls_into(entry: AuditEntry, departure: Departure) -> bool:
    """Whether an entry is about this stay: not from before it began, and not from after the person's return."""
    if departure.who.joined is not None and entry.created < departure.who.joined - 1.0:
        return False
    return departure.returned is None or entry.created <= departure.returned
