"""The fingerprint: a short id that repeats of one thing share, in this version of the bot and in the next. Pure.

What changes its value for events that are stored, or muted, gets a new `VERSION` and leaves a reader for the old ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from ..events.event import Event, EventKind, with_text
from ..events.folding import no_pause, paced
from .code_places import has_frames, places_of_exception, places_of_text
from .text_pattern import has_words, text_pattern

VERSION: Final = 2
# What this version makes, and what version 0.1 made.
FINGERPRINT: Final = re.compile(r"2-[0-9a-f]{16}\Z")
OLD_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}\Z")
# Longer templates are worked out each time, so that a thousand of them take little memory.
_LONGEST_KNOWN: Final = 500


def fingerprint(event: Event) -> str:
    """Return the fingerprint of an event: the one that it carries, or else worked out here, which may take a millisecond.

    An exception is told by the classes of its chain and by the lines of the user's own code that it came through; a log text
    by its template, or by what stays the same in it; anything else by kind, origin, level and text.
    """
    if event.fingerprint:
        return event.fingerprint
    chosen: Any = event.context.get("fingerprint")
    if chosen:
        return _hash("chosen", chosen if isinstance(chosen, str) else json.dumps(chosen))
    if event.noted is not None:
        return _of_places(places_of_exception(event.noted), event)
    if event.traceback is not None:
        return _of_places(places_of_text(event.traceback), event)
    if event.kind == EventKind.LOG and len(event.template) <= _LONGEST_KNOWN and _has_template(event):
        return _of_template(event.kind, event.origin, event.level, event.template) or _hash(*_said(event))
    return _hash(*_said(event))


def fingerprints(events: Iterable[Event], pause: Callable[[], object] = no_pause) -> list[str]:
    """Return the fingerprint of each event."""
    return [fingerprint(event) for event in paced(events, pause, 25)]


def with_fingerprint(event: Event) -> Event:
    """Return the event with its fingerprint. What it says must be redacted: of a short text the hash gives it away."""
    # What a caller chose is shown among the details, so a repeat of it must not be told by something else.
    chosen = replace(event, fingerprint="") if event.fingerprint and event.context.get("fingerprint") else event
    return chosen if chosen.fingerprint else with_text(chosen, "fingerprint", fingerprint(chosen))


def finish(event: Event) -> Event:
    """Return the event with what was left for later when its exception was noted: the traceback, and the fingerprint.

    Reads source files. Neither is worked out where the exception was caught: that would cost the bot half a millisecond.
    """
    noted = event.noted
    if noted is None:
        return event
    text, places = noted.format() if noted.is_shown else None, places_of_exception(noted)
    # One that goes by what was said waits for the redaction.
    known = event.fingerprint or (_of_places(places, event) if has_frames(places) else "")
    return replace(event, traceback=text, noted=None, fingerprint=known)


def _of_places(places: list[str], event: Event) -> str:
    # An exception that was never raised has no frames: then it goes by what was said about it.
    return _hash("exception", *places, *(() if has_frames(places) else _said(event)))


def _said(event: Event) -> tuple[str, ...]:
    head = (event.kind, event.origin, event.level)
    if event.kind not in (EventKind.LOG, EventKind.ERROR):
        return (*head, event.template or event.message)
    return (*head, (_template_pattern(event.template) if _has_template(event) else "") or text_pattern(event.message))


def _has_template(event: Event) -> bool:
    """Whether there is a template; a text that was put together before it was logged is its own."""
    return bool(event.template) and event.template != event.message and not event.message.startswith(f"{event.template}:")


def _template_pattern(template: str) -> str:
    """Return the pattern of a template, nothing when it does not say what happened."""
    return text_pattern(template) if has_words(template) else ""


@lru_cache(1024)
def _of_template(kind: str, origin: str, level: str, template: str) -> str:
    """Return the fingerprint of what was logged with a template, which comes again and again; nothing when it does not say it."""
    pattern = _template_pattern(template)
    return _hash(kind, origin, level, pattern) if pattern else ""


def _hash(*parts: str) -> str:
    data = "\0".join(parts).encode("utf-8", "replace")
    return f"{VERSION}-{hashlib.blake2b(data, digest_size=8).hexdigest()}"
