"""Log records to events: from any thread, and without feeding back."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

from ...current_manager import get_current_manager, log_capture
from ...events.ambient import ambient, context_of
from ...events.event import Event, EventKind, LogLevel, Person, to_plain
from ...events.factory import outline
from ...events.plain_values import LATEST_TIME, plain_text
from ...events.tracebacks import NotedException, describe, note_exception
from ...feedback import suppressed
from ..breadcrumbs import owner, trail
from ..errors import context as error_context
from ..errors.deduplication import SeenExceptions, known_as
from ..errors.trace_id import trace_details
from .structlog_calls import MODULE, translated
from .translated import TranslatedRecord

_OWN: Final = ("statsbot_webhooks", "discord.webhook")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_STANDARD_SIZE: Final = len(vars(logging.makeLogRecord({})))
# A look-up instead of LogLevel.from_number saves a tenth of the handler's time.
_LEVELS: Final = {level.number: level for level in LogLevel}
# Up to Python 3.11 a look into an enum takes a twentieth of the handler's time.
_LOG: Final = EventKind.LOG
_ERROR: Final = EventKind.ERROR
_CRUMB: Final = 200
# A look-up takes a third of the time of `startswith`; there may be any number of loggers.
_known_names: dict[str, bool] = {}
_MOST_NAMES: Final = 2000
_NO_CONTEXT: Final[Mapping[str, Any]] = {}
_modules: Final = sys.modules


class _Draft:
    """An Event under construction, of the same slots: filling the frozen dataclass takes three times as long.

    With it one emit costs 0.4 of stdlib's QueueHandler, without it 0.9 to 1.0, where 0.8 is what we allow (`make bench`).
    """

    __slots__ = Event.__slots__

    def __init__(self, kind: EventKind, level: LogLevel, message: str, record: logging.LogRecord) -> None:
        self.kind = kind
        self.level = level
        self.message = message
        self.time = record.created
        self.origin = record.name
        self.context = _NO_CONTEXT
        self.traceback: str | None = None
        self.guild_id: int | None = None
        self.persons: tuple[Person, ...] = ()
        self.template = record.msg if isinstance(record.msg, str) else ""
        self.title = self.card = self.avatar_url = ""
        self.color = self.route_level = None
        self.ends_card = False
        self.facts = _NO_CONTEXT
        self.routes = ()
        self.files = ()
        self.noted: NotedException | None = None
        self.fingerprint = self.issue = self.note = self.process = ""


class WebhookLogHandler(logging.Handler):
    """Submit each record as an event. Add it to any logger; records of this package and of discord.py's webhooks are left out.

    `level` holds for every logger but those of `loggers` and their children, which have levels of their own.
    """

    def __init__(
        self,
        submit: Callable[[Event], object] | None = None,
        *,
        level: int | str = logging.WARNING,
        loggers: Mapping[str, LogLevel] | None = None,
        include_stack_traces: bool = True,
        seen: SeenExceptions | None = None,
    ) -> None:
        super().__init__(level)
        self._submit = submit or _submit_to_manager
        # One that the host has made, which goes to the manager as the hook of the extension does.
        self._is_by_hand = submit is None
        self._floor = self.level
        self._loggers: dict[str, int] = {}
        self.set_loggers(loggers or {})
        self._keeps_traces = include_stack_traces
        self._seen = seen or SeenExceptions()
        self.failures = 0

    def set_loggers(self, loggers: Mapping[str, LogLevel]) -> None:
        """Change the levels of single loggers; may be called while records come in."""
        self._loggers = {name: level.number for name, level in loggers.items()}
        self.setLevel(min(self._floor, *self._loggers.values()) if self._loggers else self._floor)

    def handle(self, record: logging.LogRecord) -> bool:
        # No lock: nothing here is shared but the queue, and a lock would make threads wait for each other.
        passed: Any = self.filter(record)
        if passed:
            # From Python 3.12 on a filter may return another record.
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Read the record at once (its arguments may change) and submit it. Never raises."""
        try:
            event = self._read(translated(record) if MODULE in _modules else record)
        except Exception as error:  # noqa: BLE001 - a guard: the host's logging call must not fail because of us
            self.handleError(record)
            event = _remains_of(record, error)
        if event is not None:
            try:
                self._submit(event)
            except Exception:  # noqa: BLE001 - a guard, as above
                self.handleError(record)

    def _read(self, record: logging.LogRecord) -> Event | None:
        is_own = _known_names.get(record.name)
        if is_own or (is_own is None and _is_own(record.name)):
            return None
        if suppressed.get() or (self._loggers and not self._wants(record)):
            return None
        if self._is_by_hand and (beside := log_capture()) is not None and beside.has_captured(record):
            return None
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not self._seen.is_new(error, record.levelno):
            return None
        try:
            message = record.getMessage()
        except Exception as failure:  # noqa: BLE001 - a wrong % format must not lose the record (G2)
            message = f"{to_plain(record.msg)} (its arguments {to_plain(record.args)!r} do not fit: {type(failure).__name__})"
        level = _LEVELS.get(record.levelno) or LogLevel.from_number(record.levelno)
        kind = _ERROR if error is not None and record.levelno >= logging.ERROR else _LOG
        draft = _Draft(kind, level, message, record)
        is_error = record.levelno >= logging.ERROR
        if is_error:
            self._add_trail(draft, record)
        # Spelled out: a call of `Trail.note` would cost a tenth of all this.
        if trail.is_on:
            text = message if len(message) <= _CRUMB else message[:_CRUMB]
            trail.append((record.created, level, record.name, text, owner()))
        if error is not None or record.stack_info or len(record.__dict__) > _STANDARD_SIZE or ambient.get():
            self._add_details(draft, record, error)
        if is_error and (trace := trace_details()):
            draft.context = {**trace, **draft.context}
        draft.__class__ = Event  # type: ignore[assignment]  # the layouts are the same; a test compares the two
        event: Event = draft  # type: ignore[assignment]
        if type(message) is not str or type(event.time) is not float or not 0.0 <= event.time < LATEST_TIME:
            event.__post_init__()
        return event

    def takes(self, record: logging.LogRecord) -> bool:
        """Whether a record is one that is shipped, by its level and its logger."""
        if record.levelno < self.level or (self._loggers and not self._wants(record)):
            return False
        return not (record.name.startswith(_OWN) and _is_own(record.name))

    def _add_trail(self, draft: _Draft, record: logging.LogRecord) -> None:
        if before := trail.before(record.created):
            draft.facts = {"before": before}

    def _wants(self, record: logging.LogRecord) -> bool:
        # The nearest logger that has a level of its own decides, as in logging itself: it may also ask for less.
        name = record.name
        while name:
            if name in self._loggers:
                return record.levelno >= self._loggers[name]
            name = name.rpartition(".")[0]
        return record.levelno >= self._floor

    def _add_details(self, draft: _Draft, record: logging.LogRecord, error: BaseException | None) -> None:
        own = _fields(record)
        context = {**(ambient.get() if error is None else context_of(error)), **own}
        if error is not None:
            # The traceback of the argument, not of the exception: a caller may have passed another one.
            trace: TracebackType | None = record.exc_info[2] if record.exc_info else None
            place = error_context.read(error_context.of_traceback, trace)
            draft.guild_id, draft.persons = place.guild_id, place.persons
            context = {**to_plain(place.details), **context}
            # Only noted here: the intake's thread looks the source lines up and formats them.
            draft.noted = note_exception(error, trace, is_shown=self._keeps_traces)
            draft.fingerprint = known_as(error)
            if not self._keeps_traces:
                # Without its traceback the record would not say what failed.
                context = {"exception": describe(error), **to_plain(outline(error)), **context}
        if record.stack_info and self._keeps_traces:
            context.setdefault("stack", to_plain(record.stack_info))
        draft.context = context

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Count it, and say once on stderr which record failed, without its contents, which may be secret."""
        self.failures += 1
        if self.failures == 1 and logging.raiseExceptions and sys.stderr:
            print(f"statsbot_webhooks: a record of {record.name} could not be read; said once", file=sys.stderr)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    if isinstance(record, TranslatedRecord):
        return {key: to_plain(value) for key, value in record.fields.items()}
    return {key: to_plain(value) for key, value in vars(record).items() if key not in _STANDARD}


def _remains_of(record: logging.LogRecord, error: Exception) -> Event:
    """Return what can be read of a record that cannot be read as a whole; `Event` makes each value sound by itself."""
    values: Mapping[str, Any] = vars(record)
    message = f"{plain_text(values.get('msg'))} (this record could not be read: {type(error).__name__})"
    return Event(EventKind.LOG, values.get("levelno"), message, values.get("created"), values.get("name"))  # type: ignore[arg-type]


def _is_own(name: str) -> bool:
    """Whether a logger is one of ours or below it; a name may also only begin like ours, as `statsbot_webhooks_extra` does."""
    is_own = any(name == own or name.startswith(f"{own}.") for own in _OWN)
    if len(_known_names) >= _MOST_NAMES:
        _known_names.clear()
    _known_names[name] = is_own
    return is_own


def _submit_to_manager(event: Event) -> object:
    return get_current_manager().submit(event)
