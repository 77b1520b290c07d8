"""Daily summary: wait for its hour, collect the figures of the day, and submit its event. Its content is made elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import tzinfo

from ...events.accounting import Stats
from ...events.daily_counts import DailyCounts
from ...events.event import Event
from .charts import Chart, draw_chart
from .daily_summary_event import DRAWN, METRICS, Day, next_time, summary_event
from .process_probe import process_uptime
from .time_series import DAY_SECONDS, TimeSeries


class DailySummary:
    """Submit a summary at an hour of the day; none when `hour` is None.

    It covers the time since the previous summary or the start, because counts are not stored.
    """

    def __init__(
        self,
        submit: Callable[[Event], object],
        samples: TimeSeries,
        *,
        hour: int | None,
        zone: tzinfo,
        stats: Callable[[], Awaitable[Stats]],
        take_tally: Callable[[], Awaitable[DailyCounts]],
    ) -> None:
        self._submit = submit
        self._samples = samples
        self._hour = hour
        self._zone = zone
        self._stats = stats
        self._take_tally = take_tally
        self._due: float | None = None
        self._since = 0.0
        self._before = Stats({}, 0, 0, 0)
        self.alerts: Counter[str] = Counter()
        self.gaps = 0

    async def tick(self, now: float) -> None:
        """Submit the summary when it is due; call this often. The first call begins the day."""
        if self._hour is None:
            return
        if self._due is None:
            self._begin(now, await self._stats())
        elif now >= self._due:
            await self._ship(now)

    def _begin(self, now: float, stats: Stats) -> None:
        self._due = next_time(now, self._hour or 0, self._zone)
        self._since, self._before = now, stats
        self.alerts, self.gaps = Counter(), 0

    async def _ship(self, now: float) -> None:
        since, uptime = max(self._since, now - DAY_SECONDS), process_uptime(now)
        chart = await draw_chart([Chart(metric, self._samples.series(metric, since)) for metric in METRICS[:DRAWN]], self._zone)
        stats = await self._stats()
        # Last, because it begins the counts anew: a summary that fails before it is tried again, and is complete then.
        tally = await self._take_tally()
        day = Day(since, now, uptime, tally, stats, self._before, self.alerts, self.gaps)
        self._begin(now, stats)
        self._submit(summary_event(day, self._samples, self._zone, chart=chart))
