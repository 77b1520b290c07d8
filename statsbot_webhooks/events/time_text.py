"""Times, durations and counts as text, for readers and for Discord's own time markup. Pure; reads no clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_SHORT_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_duration(seconds: float) -> str:
    """Return a duration in words, in its two largest units: "2 years 3 months", "4 hours", "12 seconds"."""
    left, parts = max(int(seconds), 0), list[str]()
    for size, name in _UNITS:
        count, rest = divmod(left, size)
        if count:
            parts.append(format_count(count, name))
            left = rest
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 seconds"


def format_span(seconds: float) -> str:
    """Return a measured time with short units, as precise as a reader needs it: "1.4 s", "12 s", "3 min 20 s", "5 h 1 min"."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def format_exact_span(seconds: float) -> str:
    """Return a time that was set, in its two largest units and rounded to seconds: "1 h 30 min", "2 d"."""
    parts: list[str] = []
    left = max(round(seconds), 0)
    for size, unit in _SHORT_UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def format_count(count: int, one: str, many: str = "") -> str:
    """Return "1 member", "3,000 members", and, with both given, "1 event waits", "3 events wait"."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def format_times(count: int) -> str:
    """Return "once", "3,000 times"."""
    return "once" if count == 1 else f"{count:,} times"


def discord_time(time: float, style: str) -> str:
    """Return a time that Discord shows in each reader's time zone.

    `style` is Discord's letter: t is the time of day, T has seconds, f has the date, R is relative ("5 minutes ago").
    https://discord.com/developers/docs/reference#message-formatting-timestamp-styles
    """
    return f"<t:{int(time)}:{style}>"


def clock_text(time: float) -> str:
    """Return the time of day in UTC: "14:03:59"."""
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S")


def date_text(time: float) -> str:
    """Return date and time in UTC: "2026-01-31 14:03:59"."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
