"""Charts: small PNG images of metrics over time, drawn with matplotlib (extra `charts`) in a thread. It measures nothing."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import itertools
import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from ...events.metric_names import format_metric, format_value

_log = logging.getLogger(__name__)
# Colours of Discord's dark theme, so that the chart blends with the card: background, lines, text, values.
_GROUND, _GRID, _INK, _LINE = "#2b2d31", "#404249", "#b5bac1", "#5d93f5"
_WARNING, _CRITICAL = "#f0b232", "#e74c3c"
# A small figure with large type, which stays readable on a phone, where Discord shows it at half its width.
_DPI: Final = 150
_WIDTH, _HEIGHT = 5.2, 1.9
# The line is interrupted where more than this many usual steps lie between two values: nothing was measured.
_GAP: Final = 4
_MAX_POINTS: Final = 160
# Two threads must not fill matplotlib's font and path caches at the same time.
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Chart:
    """One metric over time: points are (wall clock seconds, value). Finite thresholds are drawn when the values come near."""

    metric: str
    points: Sequence[tuple[float, float]]
    warning: float = math.inf
    critical: float = math.inf


def has_matplotlib() -> bool:
    """Whether matplotlib is installed; does not import it."""
    try:
        return importlib.util.find_spec("matplotlib") is not None
    except ValueError:
        # An entry of None in `sys.modules` blocks its import.
        return False


async def draw_chart(charts: Sequence[Chart], zone: tzinfo = UTC) -> bytes | None:
    """Return a PNG with a panel for each chart; None without matplotlib or values, or when that fails. Never raises."""
    drawable = [chart for chart in charts if len(chart.points) > 1]
    if not drawable or not has_matplotlib():
        return None
    try:
        return await asyncio.to_thread(_draw, drawable, zone)
    except Exception as error:  # noqa: BLE001 - a guard: an alert must not be lost with its chart
        _log.warning("a chart could not be drawn (%s): the alert is sent without it", type(error).__name__)
        return None


def _draw(charts: Sequence[Chart], zone: tzinfo) -> bytes:
    with _lock:
        # Not pyplot, which has global state and wants a display; a Figure draws with Agg.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        columns = 1 if len(charts) == 1 else 2
        rows = math.ceil(len(charts) / columns)
        size = (_WIDTH, _HEIGHT if columns == 1 else 1.5 * rows)
        figure: Any = Figure(figsize=size, dpi=_DPI, facecolor=_GROUND, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)
        for number, chart in enumerate(charts, 1):
            _panel(figure.add_subplot(rows, columns, number), chart, zone)
        data = io.BytesIO()
        canvas.print_png(data)
        return data.getvalue()


def _panel(axes: Any, chart: Chart, zone: tzinfo) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    points = _with_gaps(_thin(chart.points))
    times: Any = [datetime.fromtimestamp(time, zone) for time, _ in points]
    values = [value for _, value in points]
    top = highest = max(value for _, value in chart.points)
    axes.set_facecolor(_GROUND)
    axes.plot(times, values, color=_LINE, linewidth=1.6)
    axes.fill_between(times, values, color=_LINE, alpha=0.18, linewidth=0)
    for limit, color in ((chart.warning, _WARNING), (chart.critical, _CRITICAL)):
        # A threshold far above the values would flatten their line.
        if math.isfinite(limit) and limit <= highest * 1.6:
            axes.axhline(limit, color=color, linewidth=1.1, linestyle=(0, (4, 3)))
            top = max(top, limit)
    axes.set_ylim(0, top * 1.15 or 1)
    axes.set_xlim(times[0], times[-1])
    locator: Any = AutoDateLocator(tz=zone, minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone, show_offset=False))
    # An image cannot use the time zone of each reader, so it names its own.
    axes.set_xlabel(f"time, {times[-1].tzname() or zone}", color=_INK, fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(4))

    def label(value: float, _position: object) -> str:
        return format_value(chart.metric, value)

    axes.yaxis.set_major_formatter(FuncFormatter(label))
    axes.grid(color=_GRID, linewidth=0.7)
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(format_metric(chart.metric), color="#f2f3f5", fontsize=9, loc="left", fontweight="bold")


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `_MAX_POINTS` points, of each group of neighbours the highest."""
    step = math.ceil(len(points) / _MAX_POINTS)
    return [max(points[at : at + step], key=lambda point: point[1]) for at in range(0, len(points), step)]


def _with_gaps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points with a NaN in each long pause, which interrupts the line."""
    steps = sorted(later[0] - earlier[0] for earlier, later in itertools.pairwise(points))
    usual = steps[len(steps) // 2]
    whole = [points[0]]
    for point in points[1:]:
        if point[0] - whole[-1][0] > usual * _GAP:
            whole.append((whole[-1][0] + usual, math.nan))
        whole.append(point)
    return whole
