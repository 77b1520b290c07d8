"""Lines of bars, for a course over time in a text. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(times: Iterable[float], first: float, last: float, width: int = 20) -> str:
    """Return how many of the times fall into each of `width` equal spans, as a line of bars; the lowest means none."""
    counts = [0] * width
    span = max(last - first, 1e-9)
    for time in times:
        counts[min(max(int((time - first) / span * width), 0), width - 1)] += 1
    # A few events here and there are low bars: only many look like many.
    most = max(*counts, 4)
    steps = len(_BARS) - 1
    return "".join(_BARS[(count * steps + most - 1) // most] for count in counts)


def course_of(points: Sequence[tuple[float, float]], width: int = 30) -> list[float | None]:
    """Return the highest value in each of at most `width` equal spans of time; None where there is none."""
    if not points:
        return []
    first, span = points[0][0], max(points[-1][0] - points[0][0], 1e-9)
    width = min(width, len(points))
    heights: list[float | None] = [None] * width
    for time, value in points:
        place = min(int((time - first) / span * width), width - 1)
        before = heights[place]
        heights[place] = value if before is None else max(before, value)
    return heights


def value_sparkline(course: Sequence[float | None]) -> str:
    """Return the values of `course_of` as bars from 0 to the highest; a span without values is a gap."""
    most = max((value for value in course if value is not None), default=0.0)
    return "".join(" " if value is None else _bar(value, most) for value in course)


def _bar(value: float, most: float) -> str:
    share = value / most if most > 0 else 0.0
    # Rounded up, so that the smallest value above 0 is seen.
    return _BARS[min(max(math.ceil(share * len(_BARS)) - 1, 0), len(_BARS) - 1)]
