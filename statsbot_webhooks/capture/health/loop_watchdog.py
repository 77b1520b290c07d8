"""Loop watchdog: a thread that notices a blocked event loop, and reports where it is blocked. It unblocks nothing."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from ...clock import Clock
from ...events.event import Event, EventKind, LogLevel
from ...events.time_text import format_span
from ..guard import Guard
from .stack_frames import format_place, format_stack, frames_of_thread

Submit = Callable[[Event], object]

# The loop beats four times in the span that counts as blocked, but within these limits.
_MIN_BEAT_SECONDS: Final = 0.02
_MAX_BEAT_SECONDS: Final = 0.25
# Seconds between the looks at a blocked loop; from the last of these on, looks also refresh the card.
_LOOKS: Final = (0.5, 2.0, 10.0)
_LATER_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Stall:
    """A time in which the loop did not turn. `places` are the lines where it was seen; `since` is monotonic, `began` is not."""

    since: float
    began: float
    stack: str
    places: list[str] = field(default_factory=list[str])


class LoopWatchdog:
    """Watch the running loop; `last_stall` is the monotonic time at which it last turned again after a stall.

    A stall is submitted by the thread, so it is stored even when the loop never turns again. The watch costs four timers and
    two wakeups of the thread in each `critical_ms`.
    """

    def __init__(self, submit: Submit, *, critical_ms: float, clock: Clock) -> None:
        self._submit = submit
        self._clock = clock
        self._limit = critical_ms / 1000
        self._pause = min(max(self._limit / 4, _MIN_BEAT_SECONDS), _MAX_BEAT_SECONDS)
        self._beat = 0.0
        self._due = 0.0
        self._worst = 0.0
        self.last_stall = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._stopped = threading.Event()
        self.guard = Guard("a blocked event loop")

    def install(self, stack: ExitStack) -> None:
        """Start watching the running loop, from its own thread; the stack ends it."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._beat = self._clock.monotonic()
        self._arm()
        thread = threading.Thread(target=self._watch, name="statsbot_webhooks-loop-watch", daemon=True)
        thread.start()

        def stop() -> None:
            self._stopped.set()
            if self._timer is not None:
                self._timer.cancel()
            thread.join()

        stack.callback(stop)

    def measure(self) -> dict[str, float]:
        """Return the longest delay of a timer since the last call, in milliseconds."""
        worst, self._worst = self._worst, 0.0
        return {"loop_lag_ms": max(worst, 0.0) * 1000}

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = self._clock.monotonic() + self._pause
        self._timer = loop.call_later(self._pause, self._turn)

    def _turn(self) -> None:
        self._beat = now = self._clock.monotonic()
        late = now - self._due
        self._worst = max(self._worst, late)
        if late >= self._limit:
            self.last_stall = now
        self._arm()

    # -- on the thread

    def _watch(self) -> None:
        wait = self._limit / 2
        asked = self._clock.monotonic()
        while not self._stopped.wait(wait):
            woken = self._clock.monotonic()
            # This thread was late too: the whole process stood still (a suspended machine, a held interpreter lock).
            was_away = woken - asked > wait + self._limit / 2
            if not was_away and woken - self._beat > self._limit + self._pause:
                if self._loop is None or not self._loop.is_running():
                    return
                self.guard.call(self._follow, self._beat)
            asked = self._clock.monotonic()

    def _follow(self, beat: float) -> None:
        """Submit the stall, look again where it is, and submit its end when the loop turns."""
        stall = self._begin(beat)
        if stall is None:
            return
        self._submit(self._event(stall, self._clock.monotonic() - beat, is_over=False))
        looks = 0
        while not self._stopped.is_set():
            next_look = self._clock.monotonic() + (_LOOKS[looks] if looks < len(_LOOKS) else _LATER_SECONDS)
            while self._beat == beat and self._clock.monotonic() < next_look and not self._stopped.wait(self._limit / 4):
                pass
            if self._beat != beat:
                self._submit(self._event(stall, self._beat - beat, is_over=True))
                return
            looks += 1
            frame = sys._current_frames().get(self._loop_thread)
            stall.places.append(format_place(frames_of_thread(frame)))
            del frame
            if looks >= len(_LOOKS):
                self._submit(self._event(stall, self._clock.monotonic() - beat, is_over=False))

    def _begin(self, beat: float) -> _Stall | None:
        frame = sys._current_frames().get(self._loop_thread)
        if frame is None or self._beat != beat:
            return None
        began = self._clock.now() - (self._clock.monotonic() - beat)
        return _Stall(beat, began, format_stack(frame), [format_place(frames_of_thread(frame))])

    def _event(self, stall: _Stall, seconds: float, *, is_over: bool) -> Event:
        verb = "was blocked for" if is_over else "has been blocked for"
        return Event(
            EventKind.PERFORMANCE,
            LogLevel.CRITICAL,
            f"The event loop {verb} {format_span(seconds)} at {stall.places[0]}.",
            self._clock.now(),
            "event loop",
            traceback=stall.stack,
            template="event loop",
            card=f"stall/{int(stall.began * 1000)}",
            ends_card=is_over,
            facts={
                "type": "blocked loop",
                "is_over": is_over,
                "seconds": seconds,
                "places": list(dict.fromkeys(stall.places)),
                "looks": len(stall.places),
            },
        )
