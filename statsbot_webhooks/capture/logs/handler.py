"""Log handler: submit log records as events, from any thread. Records about our own sending are never captured."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

from ...current_manager import get_current_manager, log_capture
from ...events.ambient import ambient, context_of
from ...events.draft import Draft, RecordNote, as_event
from ...events.event import Event, EventKind, LogLevel, to_plain
from ...events.factory import outline
from ...events.persons import names_person, persons_in, text_without_names
from ...events.plain_values import plain_text
from ...events.tracebacks import describe, note_exception
from ...feedback import suppressed
from ..breadcrumbs import owner, trail
from ..errors import context as error_context
from ..errors.deduplication import SeenExceptions, known_as
from ..errors.trace_id import trace_details
from .structlog_calls import MODULE, translated
from .translated import TranslatedRecord

_OWN: Final = ("statsbot_webhooks", "discord.webhook")
# Not made by the program's record factory, which may add fields of its own, or raise.
_PLAIN: Final = vars(logging.LogRecord("", 0, "", 0, "", (), None))
_STANDARD: Final = frozenset(_PLAIN) | {"message", "asctime", "taskName"}
_STANDARD_SIZE: Final = len(_PLAIN)
# Longest text of a crumb.
_CRUMB: Final = 200
_MOST_NAMES: Final = 2000
_modules: Final = sys.modules


class WebhookLogHandler(logging.Handler):
    """Submit each record as an event. Add it to any logger; records of this package and of discord.py's webhooks are skipped.

    `level` applies to every logger except for those in `loggers` and their children, which have levels of their own.
    """

    def __init__(
        self,
        submit: Callable[[Event], object] | None = None,
        *,
        level: int | str = logging.WARNING,
        loggers: Mapping[str, LogLevel] | None = None,
        include_stack_traces: bool = True,
        seen: SeenExceptions | None = None,
        names_persons: bool | None = None,
    ) -> None:
        super().__init__(level)
        self._submit: Callable[[Any], object] = submit or _submit_to_manager
        # Of a manager, which makes the event later, on its own thread.
        self._submit_note: Callable[[Any], object] = getattr(getattr(submit, "__self__", None), "submit_note", self._submit_event)
        # Created by the host, so it may get records that the extension's hook has captured too.
        self._is_by_hand = submit is None
        self._floor = self.level
        self._loggers: dict[str, int] = {}
        self.set_loggers(loggers or {})
        self._keeps_traces = include_stack_traces
        # For masking, which only the maker of the extension's handler knows about. It costs a fifth of a usual record.
        self._names_persons = submit is None if names_persons is None else names_persons
        self._seen = seen or SeenExceptions()
        self.failures = 0

    def set_loggers(self, loggers: Mapping[str, LogLevel]) -> None:
        """Change the levels of single loggers; may be called while records come in."""
        self._loggers = {name: level.number for name, level in loggers.items()}
        self._is_choosy = self._is_by_hand or bool(loggers)
        self.setLevel(min(self._floor, *self._loggers.values()) if self._loggers else self._floor)

    def handle(self, record: logging.LogRecord) -> bool:
        # Without the handler's lock: only the queue is shared, and threads would wait for each other.
        passed: Any = self.filter(record) if self.filters else True
        if passed:
            # From Python 3.12 on a filter may return another record.
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Read the record at once, because its arguments may change, and submit it. Never raises."""
        submit = self._submit
        try:
            if MODULE in _modules:
                record = translated(record)
            name, number, exc_info = record.name, record.levelno, record.exc_info
            if _is_own[name] or suppressed.get() or (self._is_choosy and not self._chooses(record)):
                return
            if exc_info and exc_info[1] is not None and not self._seen.is_new(exc_info[1], number):
                return
            template = record.msg
            try:
                message = record.getMessage()
            except Exception as failure:  # noqa: BLE001 - a wrong % format must not lose the record (G2)
                message = f"{to_plain(template)} (its arguments {to_plain(record.args)!r} do not fit: {type(failure).__name__})"
            if type(template) is not str:
                template = str.__str__(template) if isinstance(template, str) else ""
            # For a usual record this note is also its crumb, and all the work on the host's thread.
            me = owner() if trail.is_on else None
            note = (record.created, number, name, message, me, template)
            has_person = self._names_persons and bool(record.args) and names_person(record.args)
            is_usual = number < logging.ERROR and not exc_info and not record.stack_info and not has_person
            if not is_usual or len(record.__dict__) > _STANDARD_SIZE or ambient.get():
                said = self._in_detail(note, record)
            else:
                said, submit = note, self._submit_note
            if has_person:
                message = text_without_names(template, record.args)
                note = (*note[:3], message, me, "")
            if me is not None:
                trail.append(note if len(message) <= _CRUMB else (*note[:3], message[:_CRUMB], me, ""))
        except Exception as error:  # noqa: BLE001 - a guard: the host's logging call must not fail because of us
            self.handleError(record)
            said = _remains_of(record, error)
        try:
            submit(said)
        except Exception:  # noqa: BLE001 - a guard, as above
            self.handleError(record)

    def _in_detail(self, note: RecordNote, record: logging.LogRecord) -> Event:
        draft, error = Draft(note), record.exc_info[1] if record.exc_info else None
        is_error = record.levelno >= logging.ERROR
        if is_error and (before := trail.before(record.created)):
            draft.facts = {"before": before}
        self._add_details(draft, record, error)
        if is_error and (trace := trace_details()):
            draft.context = {**trace, **draft.context}
        if is_error and error is not None:
            draft.kind = EventKind.ERROR
        return draft.finish()

    def _submit_event(self, note: RecordNote) -> None:
        event = as_event(note)
        event.__post_init__()
        self._submit(event)

    def takes(self, record: logging.LogRecord) -> bool:
        """Whether a record is captured, by its level and its logger."""
        if record.levelno < self.level or (self._loggers and not self._wants(record)):
            return False
        return not _is_own[record.name]

    def _chooses(self, record: logging.LogRecord) -> bool:
        """Whether this handler submits a record that it gets."""
        if self._loggers and not self._wants(record):
            return False
        return not self._is_by_hand or (beside := log_capture()) is None or not beside.has_captured(record)

    def _wants(self, record: logging.LogRecord) -> bool:
        # The nearest logger with a level of its own decides, as in logging itself; that may be a higher level.
        name = record.name
        while name:
            if name in self._loggers:
                return record.levelno >= self._loggers[name]
            name = name.rpartition(".")[0]
        return record.levelno >= self._floor

    def _add_details(self, draft: Draft, record: logging.LogRecord, error: BaseException | None) -> None:
        fields = _fields(record)
        around = ambient.get() if error is None else context_of(error)
        if self._names_persons:
            draft.persons = persons_in((record.args, *around.values(), *fields.values()))
        own = {key: to_plain(value) for key, value in fields.items()}
        context = {**to_plain(around), **own} if around else own
        if error is not None:
            # The traceback of the argument, because a caller may have passed another one than the exception's.
            trace: TracebackType | None = record.exc_info[2] if record.exc_info else None
            place = error_context.read(error_context.of_traceback, trace)
            draft.guild_id = place.guild_id
            draft.persons += place.persons
            context = {**to_plain(place.details), **context}
            # Only noted here: the intake's thread reads and formats the source lines.
            draft.noted = note_exception(error, trace, is_shown=self._keeps_traces)
            draft.fingerprint = known_as(error)
            if not self._keeps_traces:
                # Without the traceback the record would not say what failed.
                context = {"exception": describe(error), **to_plain(outline(error)), **context}
        if record.stack_info and self._keeps_traces:
            context.setdefault("stack", to_plain(record.stack_info))
        draft.context = context

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Count the failure, and print once to stderr which logger's record failed, without its content."""
        self.failures += 1
        if self.failures == 1 and logging.raiseExceptions and sys.stderr:
            print(f"statsbot_webhooks: a record of {record.name} could not be read; said once", file=sys.stderr)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    if isinstance(record, TranslatedRecord):
        return dict(record.fields)
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _remains_of(record: logging.LogRecord, error: Exception) -> Event:
    """Return an event with the readable parts of a record; `Event` replaces invalid values."""
    values: Mapping[str, Any] = vars(record)
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - a guard: then the template is the text
        text = plain_text(values.get("msg"))
    message = f"{text} (this record could not be read: {type(error).__name__})"
    return Event(EventKind.LOG, values.get("levelno"), message, values.get("created"), values.get("name"))  # type: ignore[arg-type]


class _OwnNames(dict[str, bool]):
    """Whether a logger is ours or below ours; `statsbot_webhooks_extra` is not.

    A bounded cache, because a look-up takes a third of the time of `startswith`.
    """

    def __missing__(self, name: str) -> bool:
        if len(self) >= _MOST_NAMES:
            self.clear()
        self[name] = any(name == own or name.startswith(f"{own}.") for own in _OWN)
        return self[name]


_is_own: Final = _OwnNames()


def _submit_to_manager(event: Event) -> object:
    return get_current_manager().submit(event)
