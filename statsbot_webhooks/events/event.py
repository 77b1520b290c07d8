"""The captured thing: what happened, when, how bad, and where it belongs. Pure; no I/O, no discord."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from .tracebacks import NotedException

MAX_DEPTH: Final = 6
MAX_ITEMS: Final = 200
_EMPTY: Final[Mapping[str, Any]] = {}
_EXTRAS: Final = ("title", "card", "color", "avatar_url", "route_level", "ends_card", "fingerprint")


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
        return _NUMBERS[self.value]

    @classmethod
    def from_number(cls, number: int) -> LogLevel:
        """Return the highest level that is not above a `logging` number; DEBUG for all below 10."""
        return _LEVELS[min(max(number // 10, 1), 5)]


_NUMBERS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_LEVELS: Final = {number // 10: LogLevel(name) for name, number in _NUMBERS.items()}


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
    worked out there too (see `issues/fingerprint.py`).
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

    @property
    def is_urgent(self) -> bool:
        """Whether the event is ERROR or CRITICAL, or the news of a card, and so does not wait for a batch to fill."""
        return bool(self.card) or self.level.number >= LogLevel.ERROR.number


# The first element of every stored event. A change of the format gets a new number and a reader for the old one.
_CODEC: Final = 2


def encode(event: Event) -> str:
    """Return the event as versioned JSON; pure ASCII, so that lone surrogates survive."""
    persons = [[person.id, *person.names] for person in event.persons]
    head = [_CODEC, event.kind.value, event.level.value, event.time, event.origin, event.message, event.template]
    trace = event.noted.format() if event.noted is not None and event.noted.is_shown else event.traceback
    row = [*head, event.context, trace, event.guild_id, persons, _encode_extras(event)]
    return json.dumps(row, separators=(",", ":"))


def _encode_extras(event: Event) -> dict[str, Any]:
    """Return the fields that most events leave empty."""
    extras = {name: value for name in _EXTRAS if (value := getattr(event, name)) not in ("", None) and value is not False}
    if event.facts:
        extras["facts"] = event.facts
    if event.files:
        extras["files"] = [[file.name, file.text, base64.b64encode(file.data).decode()] for file in event.files]
    return extras


def decode(text: str) -> Event:
    """Return the event of `encode`; raises `ValueError` when it is not one."""
    try:
        version, kind, level, time, origin, message, template, context, traceback, guild_id, persons, *rest = json.loads(text)
        people = tuple(Person(number, tuple(names)) for number, *names in persons)
        if version not in (1, _CODEC):
            raise ValueError(f"version {version} of a stored event is not known")
        extras: dict[str, Any] = rest[0] if rest else {}
        files = tuple(EventFile(name, body, base64.b64decode(data)) for name, body, data in extras.pop("files", ()))
        if "route_level" in extras:
            extras["route_level"] = LogLevel(extras["route_level"])
        base = (EventKind(kind), LogLevel(level), message, time, origin, context, traceback, guild_id, people, template)
        return Event(*base, **extras, files=files)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not a stored event: {type(error).__name__}") from None


def to_plain(value: object, depth: int = 0) -> Any:
    """Return a JSON-able copy of a value: str, int, finite float, bool, None, list or dict with str keys.

    Objects become their `str`; one whose `str` fails becomes a note that says so. Nesting deeper than `MAX_DEPTH` and
    items past `MAX_ITEMS` are replaced by a note. Never raises.
    """
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= MAX_DEPTH:
        return "(nested too deep)"
    if isinstance(value, Mapping):
        return _plain_mapping(value, depth)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, (list, tuple, set, frozenset)):
        return _plain_items(list(value), depth)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    return _text_of(value)


def _plain_mapping(value: Mapping[object, object], depth: int) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for index, (key, item) in enumerate(list(value.items())):
        if index >= MAX_ITEMS:
            plain["..."] = f"({len(value) - MAX_ITEMS} more)"
            break
        plain[_text_of(key)] = to_plain(item, depth + 1)
    return plain


def _plain_items(items: list[object], depth: int) -> list[Any]:
    plain = [to_plain(item, depth + 1) for item in items[:MAX_ITEMS]]
    if len(items) > MAX_ITEMS:
        plain.append(f"({len(items) - MAX_ITEMS} more)")
    return plain


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - the caller's __str__ may raise anything; the event must survive it
        return f"({type(value).__name__} whose text failed: {type(error).__name__})"
