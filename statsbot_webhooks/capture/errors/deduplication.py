"""Which exceptions were shipped: one exception reaches several hooks, and arrives once (H4)."""

from __future__ import annotations

import logging
import threading
import weakref

from ...events.tracebacks import leaves

# discord.py nests three deep (HybridCommandError, CommandInvokeError, the cause); a cycle must end somewhere.
_MAX_NESTING = 10


def root_exception(error: BaseException) -> BaseException:
    """Return the exception that discord.py's wrappers (CommandInvokeError and others) carry."""
    for _ in range(_MAX_NESTING):
        original = vars(error).get("original")
        if not isinstance(original, BaseException):
            break
        error = original
    return error


class SeenExceptions:
    """Remember exceptions by identity for as long as they live; thread-safe.

    The mark is an entry in the exception's own `__dict__`: exceptions made in C (KeyError, ValueError) refuse weak
    references, and holding them would hold their frames, with the memory and the secrets in them (G3).
    """

    def __init__(self) -> None:
        # Reentrant: a garbage collection inside may run a `__del__` that logs an exception.
        self._lock = threading.RLock()
        self._key = f"_statsbot_webhooks_seen_{id(self):x}"
        _all.add(self)

    def is_new(self, error: BaseException, level: int = logging.ERROR) -> bool:
        """Return whether the root of the exception is seen for the first time, and remember it.

        It is new once more when it was only seen below ERROR and now is an error: a retry that was logged as a
        warning must not hide the failure that ended it.
        """
        root = root_exception(error)
        marks = vars(root)
        with self._lock:
            before = marks.get(self._key)
            if before is not None and (before >= logging.ERROR or level < logging.ERROR):
                return False
            marks[self._key] = level
            # What is in a group is shown with the group.
            for part in leaves(root):
                vars(part)[self._key] = level
            return True


# Every memory of this process: the host's own log functions, which know of no bot, ask all of them.
_all: weakref.WeakSet[SeenExceptions] = weakref.WeakSet()


def is_new_everywhere(error: BaseException, own: SeenExceptions) -> bool:
    """Return whether no memory of this process has the exception yet, nor `own`, and let all of them remember it."""
    answers = [seen.is_new(error) for seen in {own, *_all}]
    return all(answers)
