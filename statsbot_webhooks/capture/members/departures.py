"""Departures: combine Discord's messages about the same departure. Pure: `now` is an argument. It makes no events.

Discord reports one ban in up to three messages, in any order: the ban, the leave, the audit log entry. It reports a kick in two,
and a prune in one entry and a leave for each member. An entry may come late, or never.

A departure is shown once it is explained, or after `WAIT_SECONDS`; what comes later corrects the same card. When an entry fits
several departures, its time decides: it belongs to the stay in which it was created, measured against `joined_at`, which is by
Discord's clock too.
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
# Gateway messages about one ban or kick are at most this far apart.
_TOGETHER_SECONDS: Final = 60.0
_MAX_REMEMBERED: Final = 5_000
_MAX_SAME: Final = 10
_MAX_GONE: Final = 10_000


class Type(StrEnum):
    """The kind of a departure, or of the end of a ban; the origin of the event."""

    LEAVE = "leave"
    KICK = "kick"
    BAN = "ban"
    SOFTBAN = "softban"
    UNBAN = "unban"


_REMOVALS: Final = (Type.KICK, Type.BAN, Type.SOFTBAN)


@dataclass(slots=True, eq=False)
class Departure:
    """One person's departure, or the end of a ban, as far as it is known. `due` is None once it has been shown."""

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
    # Whether it was shown by itself, and in a card that can be corrected; otherwise it is a line of a list.
    is_shown: bool = False
    is_carded: bool = False
    is_told: set[Type] = field(default_factory=set[Type])

    @property
    def may_change(self) -> bool:
        """Whether Discord may still report more about it: an entry, a leave, the end of the ban."""
        if self.type in (Type.LEAVE, Type.BAN):
            return True
        return (self.unban_entry if self.type is Type.UNBAN else self.entry) is None

    @property
    def card(self) -> str:
        """The key of the card, which a correction replaces."""
        return f"member/{self.place.id}/{self.who.id}/{int(self.time * 1000)}"


@dataclass(frozen=True, slots=True)
class Gone:
    """When a person left a server, and how."""

    time: float
    type: Type


class Departures:
    """Combine messages. `show` is called once for each departure, and again when more is known."""

    def __init__(self, show: Callable[[Departure], object], show_prune: Callable[[Prune], object]) -> None:
        self._show = show
        self._show_prune = show_prune
        self._known: BoundedDict[tuple[int, int], list[Departure]] = BoundedDict(_MAX_REMEMBERED)
        self._waiting: dict[int, Departure] = {}
        self._prunes: list[Prune] = []
        self._gone: BoundedDict[tuple[int, int], Gone] = BoundedDict(_MAX_GONE)

    # -- what Discord says

    def leave(self, place: GuildProfile, who: Who, now: float) -> None:
        """Take in that a member has left."""
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
        """Take in that a person, member or not, was banned."""
        for departure in self._of(place, who):
            by_entry = departure.type in (Type.BAN, Type.SOFTBAN) and Type.BAN not in departure.is_told
            # A leave that was shown happened before the ban: a person who has left can be banned too.
            if by_entry or (departure.type in (Type.LEAVE, Type.KICK) and departure.due is not None):
                self._turn(departure, departure.type if by_entry else Type.BAN, place, who)
                departure.is_told.add(Type.BAN)
                self._correct(departure)
                return
        self._begin(Type.BAN, place, who, now).is_told.add(Type.BAN)

    def unban(self, place: GuildProfile, who: Who, now: float) -> None:
        """Take in that a person was unbanned."""
        for departure in self._of(place, who):
            if departure.type is Type.BAN:
                break
            if departure.type in (Type.SOFTBAN, Type.UNBAN) and Type.UNBAN not in departure.is_told:
                departure.is_told.add(Type.UNBAN)
                return
        self._lift(place, who, now).is_told.add(Type.UNBAN)

    def join(self, place: GuildProfile, who: Who, now: float) -> Gone | None:
        """Take in a join; returns the person's last known departure. A departure that waits is shown first."""
        for departure in self._of(place, who):
            if departure.due is not None:
                self._finish(departure)
            if departure.returned is None:
                departure.returned = who.joined or now
        return self._gone.get((place.id, who.id))

    def explain(self, entry: AuditEntry, place: GuildProfile, who: Who, now: float) -> None:
        """Take in an audit log entry about a kick, a ban or an unban."""
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
            # A ban is not turned into a kick.
            if entry.action == Type.KICK and departure.type in (Type.BAN, Type.SOFTBAN) and _falls_into(entry, departure):
                return
        self._begin(Type(entry.action), place, who, now).entry = entry

    def explain_prune(self, entry: AuditEntry, place: GuildProfile, now: float) -> None:
        """Take in an audit log entry about a prune; unexplained leaves around it may belong to it."""
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
        """When `tick` has something to do; None for nothing."""
        # All wait equally long, so the first one is due first.
        times = [departure.due for departure in islice(self._waiting.values(), 1)]
        times += [prune.due for prune in self._prunes]
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Show departures that have waited long enough, and forget old ones."""
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
        # The bot's permissions may have changed; the member count is kept as of the departure.
        departure.place = replace(place, member_count=departure.place.member_count)
        self._learn(departure, who)
        if departure.prune is not None:
            # A moderator removed this member, so the prune did not.
            departure.prune.release(departure.who)
            departure.prune = None

    def _learn(self, departure: Departure, who: Who) -> None:
        departure.who = departure.who.with_facts_of(who)

    def _correct(self, departure: Departure) -> None:
        """Show a departure again when it was shown before."""
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
    """Whether an entry is about this stay: created after it began, and before the person's return."""
    if departure.who.joined is not None and entry.created < departure.who.joined - 1.0:
        return False
    return departure.returned is None or entry.created <= departure.returned
