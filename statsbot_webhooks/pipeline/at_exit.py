"""Hooks at the end of the interpreter, which store accepted events, and in a forked child process.

They are registered once for each import of the package, and know the registered intakes and writers and nothing else.
"""

from __future__ import annotations

import atexit
import logging
import os
from typing import Final, Protocol
from weakref import WeakSet

_log = logging.getLogger(__name__)


class IntakeAtExit(Protocol):
    """The methods of an intake that the hooks call."""

    def store_at_exit(self) -> None: ...

    def after_fork(self) -> None: ...


class WriterAtExit(Protocol):
    """A writer that is ended after the intakes."""

    def stop(self, seconds: float) -> bool: ...


# How long the end of the interpreter waits for a writer.
_WRITER_SECONDS: Final = 2.0
# Intakes with events and without a thread. Strong references: an accepted event must not vanish with its manager.
_unstored: set[IntakeAtExit] = set()
_all: WeakSet[IntakeAtExit] = WeakSet()
_writers: WeakSet[WriterAtExit] = WeakSet()


def keep(intake: IntakeAtExit) -> None:
    """Store what an intake holds when the interpreter ends. From any thread and from a signal handler."""
    _unstored.add(intake)


def release(intake: IntakeAtExit) -> None:
    """Forget an intake that stores its events itself."""
    _unstored.discard(intake)


def watch_forks(intake: IntakeAtExit) -> None:
    """Call an intake's `after_fork` in a child process, and store its events at the end."""
    _all.add(intake)


def watch_writer(writer: WriterAtExit) -> None:
    """End a writer when the interpreter ends, after the intakes have given it the rest."""
    _writers.add(writer)


@atexit.register
def _store_all() -> None:
    for intake in {*_all, *_unstored}:
        try:
            intake.store_at_exit()
        except Exception as error:  # noqa: BLE001 - a guard: the other intakes must store theirs too
            _log.error("accepted events could not be stored at the end: %s", type(error).__name__)
    for writer in list(_writers):
        writer.stop(_WRITER_SECONDS)


def _after_fork() -> None:
    _unstored.clear()
    for intake in list(_all):
        intake.after_fork()


# Not on Windows, which does not fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
