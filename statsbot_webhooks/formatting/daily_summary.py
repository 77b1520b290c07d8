"""The card of a day: counts, the most frequent errors, measured values, delivery. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ..events.colors import BLURPLE
from ..events.event import Event
from ..events.metric_names import format_metric, format_value
from ..events.sparkline import value_sparkline
from ..events.time_text import format_count
from .own_markup import own_time

_DELIVERY = (("waiting", "waiting"), ("lost", "lost"), ("dead", "refused by Discord"), ("rate_limited", "rate limited"))


def show_summary(event: Event) -> Event:
    """Return the summary of a day as it is shown."""
    facts = event.facts
    context: dict[str, Any] = {}
    if facts["kinds"]:
        context["events"] = " \u00b7 ".join(f"{each['name']} {each['count']:,}" for each in facts["kinds"])
    if facts["errors"]:
        context["errors"] = _top(facts["errors"], facts["other_errors"])
    if facts["alerts"]:
        named = [{**each, "name": format_metric(each["name"])} for each in facts["alerts"]]
        context["alerts"] = _top(named, facts["other_alerts"])
    for metric in facts["metrics"]:
        context[format_metric(metric["name"])] = _metric_line(metric, is_drawn=bool(event.files))
    for change in facts["changes"]:
        first, last = change["first"], change["last"]
        context[format_metric(change["name"])] = f"{last:,}" + (f" ({last - first:+,})" if last != first else "")
    delivery = facts["delivery"]
    parts = [f"{delivery['delivered']:,} delivered", format_count(delivery["requests"], "request")]
    parts += [f"{delivery[key]:,} {word}" for key, word in _DELIVERY if delivery[key] > 0]
    context["delivery"] = " \u00b7 ".join(parts)
    day = date.fromisoformat(facts["date"])
    return replace(event, title=f"Daily summary, {day:%A} {day.day} {day:%B %Y}", color=BLURPLE, context=context)


def _top(counts: Sequence[Mapping[str, Any]], others: int) -> str:
    parts = [f"{each['name']} \u00d7{each['count']}" if each["count"] > 1 else str(each["name"]) for each in counts]
    return ", ".join(parts) + (f" and {others:,} others" if others else "")


def _metric_line(metric: Mapping[str, Any], *, is_drawn: bool) -> str:
    name = metric["name"]
    peak = f"peak {format_value(name, metric['peak'])} at {own_time(metric['peak_time'], 't')}"
    line = f"{format_value(name, metric['mean'])}, {peak}"
    return line if is_drawn else f"{line}\n{value_sparkline(metric['course'])}"
