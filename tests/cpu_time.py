"""How much longer one piece of work takes than another, for tests of what may not grow too fast.

Only the thread's own time on the processor counts, without garbage collections, and always beside other work in the same
moment: how fast the machine is, and what else it does, is not what a test is about.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

# What takes less counts as much: it is not measured well enough to compare.
_LEAST_SECONDS: Final = 0.0005
_TRIES: Final = 5


def best_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the processor's time of a piece of work, the best of some."""
    times: list[float] = []
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            started = time.thread_time()
            work()
            times.append(time.thread_time() - started)
    finally:
        if was_enabled:
            gc.enable()
    return min(times)


def ratio(
    large: Callable[[], object], small: Callable[[], object], allowed: float, rounds: int = 3, least: float = _LEAST_SECONDS
) -> float:
    """Return how many times as long `large` takes as `small`; above what is allowed only if it is so again and again.

    What disturbs a measurement makes it longer, now and then; work that grows too fast takes too long each time.
    """
    found: list[float] = []
    while len(found) < _TRIES and (not found or found[-1] > allowed):
        found.append(best_seconds(large, rounds) / max(best_seconds(small, rounds), least))
    return min(found)
