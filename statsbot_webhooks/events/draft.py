"""What a log record said, as the handler hands it on: an `Event` takes longer to make than the host's logging call may. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .event import Event, EventKind, LogLevel, Person
from .tracebacks import NotedException

# Time, level, logger, message, the number of the task or thread (None without breadcrumbs) and template. Of texts and numbers
# only: the garbage collector has nothing to do with such a tuple.
RecordNote = tuple[float, int, str, str, int | None, str]
_PARTS: Final = 6
_NOTHING: Final[Mapping[str, Any]] = {}
# Up to Python 3.11 a look into an enum takes as long as five fields.
_LOG: Final = EventKind.LOG
_LEVELS: Final = {level.number: level for level in LogLevel}


class Draft:
    """An Event under construction, of the same slots: filling the frozen dataclass takes three times as long."""

    __slots__ = Event.__slots__

    def __init__(self, note: RecordNote) -> None:
        self.time, number, self.origin, self.message, _, self.template = note
        self.level = (_LEVELS.get(number) if type(number) is int else None) or LogLevel.of(number)
        self.kind = _LOG
        self.context = self.facts = _NOTHING
        self.traceback: str | None = None
        self.guild_id: int | None = None
        self.color = self.route_level = None
        self.persons: tuple[Person, ...] = ()
        self.routes = self.files = ()
        self.ends_card = False
        self.noted: NotedException | None = None
        self.title = self.card = self.avatar_url = self.fingerprint = self.issue = self.note = self.process = ""

    def finish(self) -> Event:
        """Return this as the event that it is from now on; `Event.__post_init__` still has to make it sound."""
        self.__class__ = Event  # type: ignore[assignment]  # the layouts are the same; a test compares the two
        return self  # type: ignore[return-value]


def as_event(what: Event | RecordNote) -> Event:
    """Return the event of a note; anything else as it is, for a host may submit anything."""
    return Draft(what).finish() if isinstance(what, tuple) and len(what) == _PARTS else what  # type: ignore[return-value]
