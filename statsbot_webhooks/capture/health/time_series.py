"""Time series: the samples of the last 24 hours, in arrays of a fixed length. Pure: `now` is an argument."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Final

DAY_SECONDS: Final = 86400.0
# One bucket for 10 s, which is finer than a chart can show; faster samples share one. 35 kB for each metric.
_MAX_BUCKETS: Final = 8640
# A bot has some 15 metrics, and one for each shard and `tasks.loop`; more than this are not kept (4 MB at most).
_MAX_METRICS: Final = 128
_MISSING: Final = math.nan


class TimeSeries:
    """One value for each metric and bucket of time; a new bucket replaces the oldest. A bucket keeps its highest value."""

    def __init__(self, interval_seconds: float) -> None:
        self.bucket_seconds = max(interval_seconds, DAY_SECONDS / _MAX_BUCKETS)
        self._buckets = max(int(DAY_SECONDS / self.bucket_seconds), 2)
        self._times = array("d")
        self._values: dict[str, array[float]] = {}
        self._head = -1

    def __len__(self) -> int:
        return len(self._times)

    def add(self, now: float, sample: Mapping[str, float]) -> None:
        """Add a sample. Values that are not finite are skipped."""
        is_new = self._head < 0 or not 0 <= now - self._times[self._head] < self.bucket_seconds
        if is_new:
            self._begin(now)
        for name, value in sample.items():
            column = self._values.get(name)
            if column is None:
                if len(self._values) >= _MAX_METRICS:
                    continue
                column = self._values[name] = array("f", [_MISSING]) * len(self._times)
            if math.isfinite(value) and not column[self._head] >= value:
                column[self._head] = value

    def _begin(self, now: float) -> None:
        self._head = (self._head + 1) % self._buckets
        if self._head < len(self._times):
            self._times[self._head] = now
            for column in self._values.values():
                column[self._head] = _MISSING
        else:
            self._times.append(now)
            for column in self._values.values():
                column.append(_MISSING)

    def series(self, metric: str, since: float = -math.inf) -> list[tuple[float, float]]:
        """Return the times and values of a metric, oldest first; buckets without a value are left out."""
        column = self._values.get(metric)
        if column is None:
            return []
        length = len(self._times)
        order = ((self._head + 1 + step) % length for step in range(length))
        found = ((self._times[index], column[index]) for index in order)
        # Sorted: the machine's clock may have been set back.
        return sorted((time, value) for time, value in found if time >= since and not math.isnan(value))

    def peak(self, metric: str, since: float = -math.inf) -> tuple[float, float] | None:
        """Return the time and the value of the peak, None without values."""
        return max(self.series(metric, since), key=lambda point: point[1], default=None)
