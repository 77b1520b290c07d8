"""structlog calls: read text and fields of a call to structlog, because `logging` gets them rendered or as a mapping.

structlog is never imported here.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, cast

from .translated import ExcInfo, TranslatedRecord, exc_info_of, frames_from

MODULE: Final = "structlog"
_BASE: Final = "structlog._base"
# `Logger.filter`, `handle`, `_log`, `warning`, and what is ours; a rewritten function has two frames more.
_NEAREST: Final = 16
# Arguments of a caller that are no fields.
_NO_FIELDS: Final = frozenset({"exc_info", "stack_info", "stack", "stacklevel", "positional_args", "extra", "event"})
# Keys that structlog's processors add to a mapping for `ProcessorFormatter`; the record has their values.
_OF_PROCESSORS: Final = _NO_FIELDS | {"level", "level_number", "logger", "timestamp", "_record", "_from_structlog", "exception"}


@dataclass(frozen=True, slots=True)
class StructlogCall:
    """A call of a logger's method, such as `log.warning("order_failed", order=17)`."""

    method: str
    text: str
    template: str
    fields: Mapping[str, Any]
    exc_info: ExcInfo | None


def find_call(frame: FrameType | None) -> FrameType | None:
    """Return the frame in which structlog calls the logger that it wraps; None when there is none."""
    if _BASE not in sys.modules:
        return None
    for each in frames_from(frame, _NEAREST):
        if each.f_code.co_name == "_proxy_to_logger" and each.f_globals.get("__name__") == _BASE:
            return each
    return None


def read_call(frame: FrameType) -> StructlogCall:
    """Return the call of a frame of `find_call`."""
    known = frame.f_locals
    given = cast("dict[str, Any]", known["event_kw"])
    bound = cast("Mapping[str, Any]", getattr(known["self"], "_context", {}))
    said = {**_context_variables(known["self"]), **bound, **given}
    template, args = known["event"], given.get("positional_args", ())
    above = frame.f_back
    if above is not None and above.f_globals.get("__name__") == "structlog._native" and above.f_locals.get("args"):
        # The filtering logger has already put the arguments into the text.
        template, args = above.f_locals.get("event", template), ()
    text = known["event"] if known["event"] is not None else known["method_name"]
    fields = {key: value for key, value in said.items() if key not in _NO_FIELDS}
    extra = given.get("extra")
    exc_info = given.get("exc_info", known["method_name"] == "exception")
    return StructlogCall(
        known["method_name"],
        _filled(text, args),
        str(template if template is not None else text),
        {**fields, **(cast("dict[str, Any]", extra) if isinstance(extra, dict) else {})},
        exc_info_of(exc_info),
    )


def translated(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record that structlog has made with the text and fields of its call; any other record unchanged."""
    if MODULE not in sys.modules or isinstance(record, TranslatedRecord):
        return record
    frame = find_call(sys._getframe(1))  # noqa: SLF001 - the record does not know it
    if frame is not None:
        call = read_call(frame)
        return _with(record, call.text, call.template, call.fields, call.exc_info)
    msg: object = record.msg
    if isinstance(msg, dict) and "event" in msg and "_logger" in vars(record):
        # It came through a queue.
        said = cast("dict[str, Any]", msg)
        fields = {key: value for key, value in said.items() if key not in _OF_PROCESSORS}
        text = _filled(said["event"], said.get("positional_args", ()))
        return _with(record, text, str(said["event"]), fields, exc_info_of(said.get("exc_info")))
    return record


def _with(
    record: logging.LogRecord, text: str, template: str, fields: Mapping[str, Any], exc_info: ExcInfo | None
) -> TranslatedRecord:
    made = TranslatedRecord(
        record.name, record.levelno, text, template=template, fields=fields, exc_info=exc_info or record.exc_info
    )
    made.created, made.stack_info = record.created, record.stack_info
    return made


def _filled(text: object, args: Any) -> str:
    """Return a text with its arguments put in, as `logging` does, or followed by them when they do not fit."""
    shown = str(text)
    if not args:
        return shown
    try:
        return shown % (args[0] if len(args) == 1 and isinstance(args[0], dict) else tuple(args))
    except (TypeError, ValueError, KeyError):
        return f"{shown} {args!r}"


def _context_variables(logger: Any) -> Mapping[str, Any]:
    module: Any = sys.modules.get("structlog.contextvars")
    merge = getattr(module, "merge_contextvars", None)
    if merge is None or merge not in (getattr(logger, "_processors", None) or ()):
        return {}
    return module.get_contextvars()
