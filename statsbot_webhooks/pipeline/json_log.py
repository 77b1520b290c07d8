"""JSON log: a mirror of all events as JSON lines, for programs such as Vector or Loki's agents. It has a thread of its own.

Neither the event loop nor the intake waits for its disk: when that is full or slow, lines are lost, counted and reported.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..clock import give_way
from ..events.event import Event
from ..events.time_text import format_count
from ..storage.json_lines import FILES, JsonLines
from . import at_exit

_log = logging.getLogger(__name__)
# How much may wait for the disk: events, and characters of their texts.
_MOST_EVENTS: Final = 20_000
_MOST_BYTES: Final = 32 * 1024 * 1024
_BYTES_BESIDE: Final = 500
_LINES_AT_ONCE: Final = 200
_LINES_BETWEEN_PAUSES: Final = 10
_MEGABYTE: Final = 1024 * 1024

Item = tuple[Event, Sequence[str], int] | Callable[[], object]


class JsonLog:
    """Append events to `path`, at most `max_mb` megabytes in all files. `tell` is called on its thread when that fails.

    It begins once the thread of the previous log, `after`, has ended.
    """

    def __init__(self, path: str, max_mb: float, tell: Callable[[str], object], after: JsonLog | None = None) -> None:
        self._after = after
        self._file = JsonLines(Path(path), int(max_mb * _MEGABYTE) // FILES)
        self._tell = tell
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        # Guards the counts. It is never taken in a signal handler.
        self._lock = threading.Lock()
        self._waiting = self._waiting_bytes = self._lost = 0
        self._is_failing = self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="statsbot_webhooks-json-log", daemon=True)
        self._thread.start()
        at_exit.watch_writer(self)

    @property
    def lost(self) -> int:
        """How many events were not written."""
        return self._lost

    def add(self, event: Event, destinations: Sequence[str]) -> None:
        """Queue a redacted event, on the intake's thread. Returns at once; counts it as lost when too much waits."""
        size = len(event.message) + len(event.traceback or "") + _BYTES_BESIDE
        with self._lock:
            if self._waiting >= _MOST_EVENTS or self._waiting_bytes + size > _MOST_BYTES:
                self._lost += 1
                return
            self._waiting += 1
            self._waiting_bytes += size
        self._items.put((event, destinations, size))

    def forget(self, is_meant: Callable[[str], bool]) -> Future[int]:
        """Delete the lines for which `is_meant` holds, also of events that wait; the future has their number, or an `OSError`."""
        found: Future[int] = Future()

        def work() -> None:
            # False when the caller has cancelled it meanwhile.
            if found.set_running_or_notify_cancel():
                try:
                    found.set_result(self._file.filter(lambda line: not is_meant(line)))
                except Exception as error:  # noqa: BLE001 - a guard: the caller gets it, and the thread goes on
                    found.set_exception(error)

        self._items.put(work)
        return found

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs; in a child process it does not."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Let the thread end once it has written what waits. Returns at once."""
        self._is_ending = True
        self._items.put(_nothing)

    def stop(self, seconds: float) -> bool:
        """Write what waits and end the thread; blocks. False when that takes longer than `seconds`."""
        self.end()
        self._thread.join(max(seconds, 0.0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._after is not None and self._after.is_alive:
            self._after._thread.join()
        self._after = None
        while not (self._is_ending and self._items.empty()):
            items = [self._items.get()]
            while len(items) < _LINES_AT_ONCE and not self._items.empty():
                items.append(self._items.get())
            lines: list[str] = []
            for item in items:
                if callable(item):
                    self._write(lines)
                    lines = []
                    item()
                    continue
                lines += self._lines(*item)
                if len(lines) % _LINES_BETWEEN_PAUSES == 0:
                    # The event loop must not wait for this thread.
                    give_way()
            self._write(lines)

    def _lines(self, event: Event, destinations: Sequence[str], size: int) -> list[str]:
        with self._lock:
            self._waiting -= 1
            self._waiting_bytes -= size
        try:
            return [json.dumps(to_json(event, destinations), separators=(",", ":")) + "\n"]
        except (TypeError, ValueError, OverflowError, RecursionError):
            self._lose(1)
            return []

    def _write(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        try:
            self._file.append("".join(lines).encode())
        except OSError as error:
            self._lose(len(lines))
            if not self._is_failing:
                self._is_failing = True
                reason = error.strerror or error
                self._say(f"WEBHOOK_JSON_LOG: the file cannot be written ({reason}); until it can, events are missing in it")
        else:
            if self._is_failing:
                self._is_failing = False
                self._say(f"WEBHOOK_JSON_LOG: the file is written again; {format_count(self._lost, 'event')} are missing in it")

    def _lose(self, count: int) -> None:
        with self._lock:
            self._lost += count

    def _say(self, text: str) -> None:
        _log.warning("%s", text)
        self._tell(text)


def to_json(event: Event, destinations: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object of an event, as `docs/metrics.md` describes it. Empty fields are left out."""
    found: dict[str, Any] = {
        "time": datetime.fromtimestamp(event.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": event.level.value,
        "kind": event.kind.value,
        "message": event.message,
        "origin": event.origin,
        "destinations": list(destinations),
    }
    more = {
        "title": event.title,
        "context": event.context,
        "facts": event.facts,
        "traceback": event.traceback,
        "guild_id": event.guild_id,
        "issue": event.issue,
        "fingerprint": event.fingerprint,
        "card": event.card,
    }
    return found | {name: value for name, value in more.items() if value}


def _nothing() -> None:
    """Wake the thread up."""
