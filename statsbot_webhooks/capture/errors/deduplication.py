"""Deduplication: an exception that reaches several hooks is reported once (H4). It makes no events."""

from __future__ import annotations

import dis
import logging
import threading
import weakref
from types import TracebackType
from typing import Final

from ...events.event import Event, LogLevel, with_text
from ...events.tracebacks import is_own_code, leaves

# discord.py nests three deep (HybridCommandError, CommandInvokeError, the cause); a cycle must end somewhere.
_MAX_NESTING: Final = 10
# A traceback of endless recursion has a thousand entries; the newest suffice.
_MAX_ENTRIES: Final = 200
_RAISE: Final = dis.opmap["RAISE_VARARGS"]


def root_exception(error: BaseException) -> BaseException:
    """Return the exception inside of discord.py's wrappers (CommandInvokeError and others).

    Only discord.py's classes are wrappers: in a class of the host, an attribute `original` may mean something else.
    """
    for _ in range(_MAX_NESTING):
        original = vars(error).get("original")
        if not isinstance(original, BaseException) or type(error).__module__.partition(".")[0] != "discord":
            break
        error = original
    return error


class _Kept:
    """Keeps a traceback alive, so that the ids of its entries are not reused; pickled, it becomes an empty tuple.

    `reported` is the traceback with which the exception was reported, by which it is recognised.
    """

    __slots__ = ("reported", "trace")

    def __init__(self, trace: TracebackType, reported: TracebackType) -> None:
        self.trace = trace
        self.reported = reported

    def __reduce__(self) -> tuple[type[tuple[()]], tuple[()]]:
        return tuple, ()


# The highest level at which an exception was reported, and the ids of the newest and the oldest entry of its traceback then,
# 0 for none. The exception keeps that traceback itself, unless it is taken off (`with_traceback(None)`) to raise it anew.
# A tuple, for a program may send its exceptions to another process.
_Mark = tuple[int, int, int, _Kept | None]


class SeenExceptions:
    """Remember exceptions by identity for as long as they live; thread-safe.

    The mark is an entry in the exception's own `__dict__`, because exceptions of C classes (KeyError, ValueError) refuse weak
    references, and strong ones would keep their frames with the secrets in them (G3).
    """

    def __init__(self) -> None:
        # Reentrant, because a garbage collection inside may run a `__del__` that logs an exception.
        self._lock = threading.RLock()
        self._key = f"_statsbot_webhooks_seen_{id(self):x}"
        _all.add(self)

    def knows(self, error: BaseException) -> bool:
        """Return whether the root of the exception was reported, at any level. Does not mark it."""
        return self._key in vars(root_exception(error))

    def is_new(self, error: BaseException, level: int = logging.ERROR) -> bool:
        """Return whether the root of the exception must be reported, and mark it.

        It is new again when it was reported at a lower level only, because a retry that was logged as a warning must not hide
        the final failure; and when the same object was raised again, as programs do with exceptions made at their start.
        """
        # The level of a record may be of any type.
        level = LogLevel.of(level).number
        root = root_exception(error)
        marks = vars(root)
        trace = root.__traceback__
        with self._lock:
            before: _Mark | None = marks.get(self._key)
            if before is not None and level <= before[0] and not _was_raised_again(trace, before):
                # The next call compares with the traceback as it is now.
                marks[self._key] = _mark(before[0], trace, before[3])
                return False
            marks[self._key] = _mark(level, trace)
            # Exceptions in a group are shown with the group.
            for part in leaves(root):
                vars(part)[self._key] = _mark(level, part.__traceback__)
            return True


def reported_trace(error: BaseException) -> TracebackType | None:
    """Return the traceback with which an exception was reported; `None` when it was not, or was raised again since."""
    marks: list[_Mark] = [mark for seen in _all if (mark := vars(error).get(seen._key))]  # noqa: SLF001 - its own module
    kept = next((mark[3] for mark in marks if mark[3] and not _was_raised_again(error.__traceback__, mark)), None)
    return kept.reported if kept else None


# The fingerprint that an exception had before it was reported, and the mark of that moment.
_KNOWN_AS: Final = "_statsbot_webhooks_known_as"


def know_as(error: BaseException, fingerprint: str) -> None:
    """Remember the fingerprint of an exception, which a user was told, although callers will add to the traceback."""
    vars(error)[_KNOWN_AS] = fingerprint, _mark(0, error.__traceback__)


def known_as(error: BaseException) -> str:
    """Return the remembered fingerprint of an exception; empty when there is none, or it was raised again since."""
    fingerprint, mark = vars(root_exception(error)).get(_KNOWN_AS, ("", None))
    return "" if mark is None or _was_raised_again(error.__traceback__, mark) else fingerprint


def as_known(event: Event, error: BaseException) -> Event:
    """Return the event of an exception with the fingerprint that was remembered."""
    fingerprint = known_as(error)
    return with_text(event, "fingerprint", fingerprint) if fingerprint else event


def _mark(level: int, trace: TracebackType | None, before: _Kept | None = None) -> _Mark:
    if trace is None:
        return level, 0, 0, None
    oldest = trace
    while oldest.tb_next is not None:
        oldest = oldest.tb_next
    return level, id(trace), id(oldest), _Kept(trace, before.reported if before else trace)


def _was_raised_again(trace: TracebackType | None, before: _Mark) -> bool:
    """Whether the exception was raised again since it was seen, and not only passed on to the callers.

    Both add entries before those that were there; but after a new raise, one of them is a `raise` in a frame that did not
    catch the exception. `raise error` in the frame that caught it has two entries of that frame. A `raise` in a library, such
    as `concurrent.futures`, passes it on.
    """
    if not before[1]:
        # Logged before it was ever raised.
        return False
    for _ in range(_MAX_ENTRIES):
        if trace is None:
            # The traceback was removed, and then the exception was raised again.
            return True
        if id(trace) in before[1:3]:
            # Or the oldest: `contextlib` removes the entries of its generators, so the newest may be gone.
            return False
        code, after = trace.tb_frame.f_code, trace.tb_next
        was_caught_here = after is not None and after.tb_frame is trace.tb_frame
        if not was_caught_here and code.co_code[trace.tb_lasti] == _RAISE and is_own_code(code.co_filename):
            return True
        trace = after
    return False


# All instances of this process: the host's own log functions, which belong to no bot, ask all of them.
_all: weakref.WeakSet[SeenExceptions] = weakref.WeakSet()


def is_new_everywhere(error: BaseException, own: SeenExceptions, level: int = logging.ERROR) -> bool:
    """Return whether the exception is new to `own` and to every instance of this process, and mark it in all of them."""
    answers = [seen.is_new(error, level) for seen in {own, *_all}]
    return all(answers)
