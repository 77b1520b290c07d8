"""The 5 ms ticker that every benchmark of the event loop's delay reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def late_until(is_over: Callable[[], bool]) -> list[float]:
    """Return by how many milliseconds each tick was late."""
    late: list[float] = []
    while not is_over():
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        late.append((time.perf_counter() - due) * 1000)
    return late


async def late_for(seconds: float) -> list[float]:
    """Return by how many milliseconds each tick was late, for so long."""
    until = time.perf_counter() + seconds
    return await late_until(lambda: time.perf_counter() >= until)
