"""The captured thing: what happened, when, how bad, and where it belongs. Pure; no I/O, no discord."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import islice
from json.encoder import encode_basestring_ascii as _quoted
from operator import attrgetter
from typing import Any, Final

from .plain_values import ID_LIMIT, LATEST_TIME, MAX_ITEMS, is_plain_mapping, plain_integer, plain_text, plain_time
from .plain_values import to_plain as to_plain
from .tracebacks import NotedException

_EMPTY: Final[Mapping[str, Any]] = {}
_EXTRAS: Final = ("fingerprint", "title", "card", "color", "avatar_url", "route_level", "ends_card", "issue", "note", "process")
_read_extras: Final = attrgetter(*_EXTRAS, "facts", "routes", "files")
_NO_EXTRAS: Final = ("", "", None, "", None, False, "", "", "", _EMPTY, (), ())


class LogLevel(StrEnum):
    """A severity, named and ordered as in the standard `logging` module."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def number(self) -> int:
        """The `logging` number of the level (10 to 50)."""
        # Not `value`, which is worked out anew each time: this is asked several times for every event.
        return _NUMBERS[self._value_]

    @classmethod
    def of(cls, value: object) -> LogLevel:
        """Return the level of a number, of a text in any case, or of another level; WARNING for anything else.

        WARNING is shown wherever there is one destination, so what has no level that can be read is not hidden.
        """
        if type(value) is cls:
            return value
        if not issubclass(type(value), str) and (number := plain_integer(value)) is not None:
            return cls.from_number(number)
        name = plain_text(value).strip().upper()
        return _LEVEL_NAMES.get(name, cls.WARNING)

    @classmethod
    def _missing_(cls, value: object) -> LogLevel | None:
        return cls.named(value)

    @classmethod
    def named(cls, value: object) -> LogLevel | None:
        """Return the level that a text names, in any case; None when it names none."""
        return _LEVEL_NAMES.get(plain_text(value).strip().upper()) if issubclass(type(value), str) else None

    @classmethod
    def from_string(cls, text: str) -> LogLevel:
        """Return the level that a text names, in any case; INFO when it names none."""
        return cls.named(text) or cls.INFO

    @classmethod
    def from_number(cls, number: int) -> LogLevel:
        """Return the highest level that is not above a `logging` number; DEBUG for all below 10."""
        return _LEVELS[min(max(number // 10, 1), 5)]


_NUMBERS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_LEVELS: Final = {number // 10: LogLevel(name) for name, number in _NUMBERS.items()}
_LEVEL_NAMES: Final = {level.value: level for level in LogLevel} | {"WARN": LogLevel.WARNING, "FATAL": LogLevel.CRITICAL}


class EventKind(StrEnum):
    """What sort of thing happened; routes and presentation depend on it."""

    LOG = "log"
    ERROR = "error"
    PERFORMANCE = "performance"
    MEMBER = "member"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True)
class Person:
    """A user that an event speaks of, so that masking can find the person in every text of the event."""

    id: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file that goes with an event: `text`, which is redacted like every other text, or `data` such as a PNG."""

    name: str
    text: str = ""
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to the bot. `time` is seconds since the epoch.

    An event holds sound fields, also where it was given others: exact types that can be stored, compared and shown. A value
    that cannot be read costs itself only; a time that is none becomes the time of now.

    `message` says in one plain sentence what happened; `context` holds JSON-able details (see `to_plain`); `origin` is the
    logger's name, or the name of the command, event or metric; `template` is the text before its values were filled
    in, which tells repeats apart from neighbours.

    Events of one `card` are one message that is kept up to date: the first is posted, each later one replaces what it
    shows. `title`, `color` (0xRRGGBB) and `avatar_url` replace what the kind and the level would give. Routes judge
    `route_level` instead of the level when it is set: the end of an alert must go where the alert went. An event that
    `ends_card` is the last state of its card, and is shown in the card's message however old that is.

    `facts` are JSON, and hold under `type` what they are about: `formatting` makes title, colour, text and details from them.
    Persons in them are named as in `who_facts`; a mapping must not stand under a key that masking takes for a person's name.

    `noted` is an exception that the intake still has to format; `fingerprint` is what repeats of the event share, and is
    worked out there too (see `issues/fingerprint.py`). `issue` is the short reference of the issue that it belongs to, such as
    E-7F3A. An event with a `note` is told like the first of its kind, with the note above its card.

    `routes` are the destinations that it was filed for when these are several: none of them gets it twice when another one
    hands over what it cannot show. `process` is where it happened, when several processes share a storage: name and host.
    """

    kind: EventKind
    level: LogLevel
    message: str
    time: float
    origin: str = ""
    context: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    traceback: str | None = None
    guild_id: int | None = None
    persons: tuple[Person, ...] = ()
    template: str = ""
    title: str = ""
    card: str = ""
    color: int | None = None
    avatar_url: str = ""
    files: tuple[EventFile, ...] = ()
    route_level: LogLevel | None = None
    ends_card: bool = False
    facts: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    noted: NotedException | None = field(default=None, repr=False, compare=False)
    fingerprint: str = ""
    issue: str = ""
    note: str = ""
    routes: tuple[str, ...] = ()
    process: str = ""

    def __post_init__(self) -> None:
        if not _is_sound(self):
            for item in fields(self):
                object.__setattr__(self, item.name, _READERS[item.name](getattr(self, item.name)))

    @property
    def is_urgent(self) -> bool:
        """Whether the event is ERROR or CRITICAL, or the news of a card, and so does not wait for a batch to fill."""
        return bool(self.card) or self.level.number >= LogLevel.ERROR.number


def with_text(event: Event, name: str, text: str) -> Event:
    """Return a copy with another value of a field of text: what `replace` does, which takes three times as long."""
    copy = _made(_read_all(event))
    object.__setattr__(copy, name, text)
    return copy


def _made(values: tuple[Any, ...]) -> Event:
    """Return an event of the values of all its fields, in their order; raises `ValueError` when they are not as many."""
    event = object.__new__(Event)
    for write, value in zip(_WRITERS, values, strict=True):
        write(event, value)
    return event


_read_all: Final = attrgetter(*(item.name for item in fields(Event)))
_WRITERS: Final = tuple(getattr(Event, item.name).__set__ for item in fields(Event))
# The fields that most events leave empty, as they are then; the last of all.
_LATER: Final[Mapping[str, Any]] = {item.name: _EMPTY if item.name == "facts" else item.default for item in fields(Event)[10:]}


def _is_sound(event: Event) -> bool:
    """Whether every field has the type that it should have. One expression: it is evaluated for every event, twice."""
    return (
        type(event.kind) is EventKind
        and type(event.level) is LogLevel
        and type(event.message) is str
        and type(event.time) is float
        and 0.0 <= event.time < LATEST_TIME
        and type(event.origin) is str
        and (event.context is _EMPTY or is_plain_mapping(event.context))
        and (event.facts is _EMPTY or is_plain_mapping(event.facts))
        and (event.traceback is None or type(event.traceback) is str)
        and (event.guild_id is None or (type(event.guild_id) is int and -ID_LIMIT < event.guild_id < ID_LIMIT))
        and type(event.template) is str
        and type(event.title) is str
        and type(event.card) is str
        and (event.color is None or (type(event.color) is int and -ID_LIMIT < event.color < ID_LIMIT))
        and type(event.avatar_url) is str
        and (event.route_level is None or type(event.route_level) is LogLevel)
        and type(event.ends_card) is bool
        and type(event.persons) is tuple
        and (not event.persons or _are_sound(event.persons, Person))
        and type(event.fingerprint) is str
        and type(event.issue) is str
        and type(event.note) is str
        and type(event.process) is str
        and (event.noted is None or type(event.noted) is NotedException)
        and type(event.routes) is tuple
        and (not event.routes or all(type(name) is str for name in event.routes))
        and type(event.files) is tuple
        and (not event.files or _are_sound(event.files, EventFile))
    )


def _are_sound(values: tuple[object, ...], kind: type[Person] | type[EventFile]) -> bool:
    for value in values:
        if type(value) is not kind:
            return False
        if isinstance(value, Person):
            if type(value.id) is not int or not -ID_LIMIT < value.id < ID_LIMIT:
                return False
            if type(value.names) is not tuple or not all(type(name) is str for name in value.names):
                return False
        elif type(value.name) is not str or type(value.text) is not str or type(value.data) is not bytes:
            return False
    return True


def _read_kind(value: object) -> EventKind:
    # Also a member of the class of the same name from before a reload of the extension (L2).
    return _KINDS.get(plain_text(value).strip().lower(), EventKind.LOG)


def _read_text(value: object) -> str:
    return "" if value is None else plain_text(value)


def _read_context(value: object) -> Mapping[str, Any]:
    plain = to_plain(value)
    if isinstance(plain, dict):
        return plain  # pyright: ignore[reportUnknownVariableType]
    return {} if plain is None else {"context": plain}


def _read_number(value: object) -> int | None:
    # A discord.Colour has its number in `value`.
    return None if value is None else plain_integer(_attribute(value, "value", value))


def _read_bool(value: object) -> bool:
    try:
        return bool(value)
    except Exception:  # noqa: BLE001 - a guard: the caller's __bool__ may raise anything
        return False


def _read_each(values: object, read: Callable[[Any], Any]) -> tuple[Any, ...]:
    try:
        found = [read(value) for value in islice(values, MAX_ITEMS)]  # type: ignore[call-overload]
    except Exception:  # noqa: BLE001 - a guard: the caller's __iter__ may raise anything
        return ()
    return tuple(each for each in found if each is not None)


def _read_person(value: object) -> Person | None:
    number = plain_integer(_attribute(value, "id", value))
    return None if number is None else Person(number, _read_each(_attribute(value, "names", ()), plain_text))


def _read_file(value: object) -> EventFile:
    data, missing = _attribute(value, "data", b""), object()
    if (name := _attribute(value, "name", missing)) is missing:
        return EventFile("unreadable.txt", f"This was no file: {plain_text(value)}")
    return EventFile(plain_text(name), _read_text(_attribute(value, "text", "")), data if type(data) is bytes else b"")


def _attribute(value: object, name: str, default: object) -> Any:
    try:
        return getattr(value, name, default)
    except Exception:  # noqa: BLE001 - a guard: a property of the caller's may raise anything
        return default


_KINDS: Final = {kind.value: kind for kind in EventKind}
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kind": _read_kind,
    "level": LogLevel.of,
    "message": plain_text,
    "time": plain_time,
    **dict.fromkeys(("origin", "template", "title", "card", "avatar_url", "fingerprint", "issue", "note", "process"), _read_text),
    **dict.fromkeys(("context", "facts"), _read_context),
    "traceback": lambda value: None if value is None else plain_text(value),
    **dict.fromkeys(("guild_id", "color"), _read_number),
    "persons": lambda values: _read_each(values, _read_person),
    "files": lambda values: _read_each(values, _read_file),
    "route_level": lambda value: None if value is None else LogLevel.of(value),
    "ends_card": _read_bool,
    "routes": lambda values: _read_each(values, _read_text),
    "noted": lambda value: value if type(value) is NotedException else None,
}


# The first element of every stored event. A change of the format gets a new number and a reader for the old one. Only events
# of a fleet have the newest: a file can be read by the version before.
CODEC: Final = 3
_PLAIN: Final = 2
_NUMBER: Final = re.compile(r"\s*\[\s*(\d{1,9})\s*,")
# `json.dumps` would make an encoder for each event.
_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


def encode(event: Event) -> str:
    """Return the event as versioned JSON; pure ASCII, so that lone surrogates survive."""
    trace = event.noted.format() if event.noted is not None and event.noted.is_shown else event.traceback
    persons = _to_json([[person.id, *person.names] for person in event.persons]) if event.persons else "[]"
    # Put together by hand: one list takes three times as long.
    return (
        f"[{CODEC if event.process else _PLAIN},{_quoted(event.kind)},{_quoted(event.level)},{event.time!r}"
        f",{_quoted(event.origin)},{_quoted(event.message)},{_quoted(event.template)}"
        f",{_to_json(event.context) if event.context else '{}'},{'null' if trace is None else _quoted(trace)}"
        f",{'null' if event.guild_id is None else event.guild_id},{persons}"
        f",{_encode_extras(event)}]"
    )


def _encode_extras(event: Event) -> str:
    """Return the fields that most events leave empty, all but the fingerprint."""
    values = _read_extras(event)
    if values[1:] == _NO_EXTRAS:
        return f'{{"fingerprint":{_quoted(event.fingerprint)}}}' if event.fingerprint else "{}"
    extras = {name: value for name, value in zip(_EXTRAS, values, strict=False) if value not in ("", None) and value is not False}
    if event.facts:
        extras["facts"] = event.facts
    if event.routes:
        extras["routes"] = list(event.routes)
    if event.files:
        extras["files"] = [[file.name, file.text, base64.b64encode(file.data).decode()] for file in event.files]
    return _to_json(extras)


def decode(text: str) -> Event:
    """Return the event of `encode`; raises `ValueError` when it is not one."""
    try:
        version, kind, level, time, origin, message, template, context, traceback, guild_id, persons, *rest = json.loads(text)
        people = tuple(Person(number, tuple(names)) for number, *names in persons)
        if version not in range(1, CODEC + 1):
            raise ValueError(f"version {version} of a stored event is not known")
        extras: dict[str, Any] = rest[0] if rest else {}
        files = tuple(EventFile(name, body, base64.b64decode(data)) for name, body, data in extras.pop("files", ()))
        if "routes" in extras:
            extras["routes"] = tuple(map(str, extras["routes"]))
        if "route_level" in extras:
            extras["route_level"] = LogLevel(extras["route_level"])
        kind, level = _KINDS.get(kind) or EventKind(kind), _LEVEL_NAMES.get(level) or LogLevel(level)
        base = (kind, level, message, time, origin, context, traceback, guild_id, people, template)
        event = _made((*base, *(_LATER | extras | {"files": files}).values()))
        event.__post_init__()
        return event
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not a stored event: {type(error).__name__}") from None


def is_newer(text: str) -> bool:
    """Whether a newer version stored this event, in a format that this one does not know."""
    number = _NUMBER.match(text)
    return number is not None and int(number[1]) > CODEC
