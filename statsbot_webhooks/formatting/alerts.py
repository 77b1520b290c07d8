"""Cards of what is too high or too slow: alerts, slow calls, a blocked event loop. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ..events.colors import GREEN, GREY
from ..events.event import Event, LogLevel
from ..events.metric_names import format_metric, format_value, is_dead_loop, is_task_loop
from ..events.sparkline import value_sparkline
from ..events.time_text import format_span
from .own_markup import own_time

# What else was going on, in the order in which it helps most.
_BESIDE: Final = ("cpu_percent", "memory_mb", "loop_lag_ms", "gateway_latency_ms", "events_per_second", "tasks", "open_files")


def show_alert(event: Event) -> Event:
    """Return an alert as it is shown."""
    facts, metric = event.facts, event.origin
    state = facts["state"]
    if is_dead_loop(metric):
        return _show_dead_loop(event)
    peak, peak_at = format_value(metric, facts["peak"]), own_time(facts["peak_time"], "t")
    # `fields` leaves out what the title or the text says.
    context: dict[str, Any] = {
        "value": format_value(metric, facts["value"]),
        "threshold": format_value(metric, facts["threshold"]),
        "peak": peak if state == "over" else f"{peak} at {peak_at}",
    }
    is_open = state not in ("over", "stopped")
    if not is_open:
        context["lasted"] = format_span(facts["duration"])
    measured = facts["beside"]
    beside = [
        f"{format_metric(name)} {format_value(name, measured[name])}" for name in _BESIDE if name in measured and name != metric
    ]
    if beside:
        context["At that time"] = " \u00b7 ".join(beside)
    if facts["course"] and not event.files:
        context["trend"] = value_sparkline(facts["course"])
    since, ago = own_time(facts["since"], "t"), own_time(facts["since"], "R")
    ending = f"{'Too slow' if is_task_loop(metric) else 'Too high'} since {since}, {ago}." if is_open else f"It began at {since}."
    if state == "over":
        ending = f"It began at {since}, with the peak at {peak_at}."
    color = {"over": GREEN, "stopped": GREY}.get(state)
    return replace(event, title=_alert_title(event), color=color, message=f"{event.message} {ending}", context=context)


def _show_dead_loop(event: Event) -> Event:
    facts, state = event.facts, event.facts["state"]
    name = event.origin.partition("/")[2]
    since, ago = own_time(facts["since"], "t"), own_time(facts["since"], "R")
    context: dict[str, Any] = {"what happened": facts["problem"]} if facts.get("problem") else {}
    titles = {"over": f"Task loop {name} runs again", "stopped": f"Task loop {name} did not run at the end"}
    if state in titles:
        context["lasted"] = format_span(facts["duration"])
    ending = f"It began at {since}." if state in titles else f"Since {since}, {ago}."
    color = {"over": GREEN, "stopped": GREY}.get(state)
    title = titles.get(state, f"Task loop {name} does not run")
    return replace(event, title=title, color=color, message=f"{event.message} {ending}".lstrip(), context=context)


def _alert_title(event: Event) -> str:
    metric, state = event.origin, event.facts["state"]
    name = format_metric(metric)
    if state == "over":
        return f"{name} is back to normal"
    if state == "stopped":
        return f"{name} was too high when the bot stopped"
    if is_task_loop(metric):
        return f"Task loop {metric.partition('/')[2]} takes longer than its interval"
    word = "critical" if event.level == LogLevel.CRITICAL else "high"
    return f"{name} is {word}: {format_value(metric, event.facts['value'])}"


def show_slow_call(event: Event) -> Event:
    """Return a slow command or listener as it is shown."""
    facts = event.facts
    context: dict[str, Any] = {"limit": format_span(facts["limit"])}
    if facts["where"]:
        context["Where it is" if facts["is_running"] else "Where it was"] = facts["where"]
    if facts["count"] > 1:
        context |= {"Slow calls": facts["count"], "slowest": format_span(facts["worst"])}
    return replace(event, title=f"Slow {event.origin}", context={**context, **event.context})


def show_blocked_loop(event: Event) -> Event:
    """Return a blocked event loop as it is shown."""
    facts = event.facts
    # The line to look at comes first, and is said once.
    text = event.message.partition(" at ")[0].rstrip(".")
    effect = "Meanwhile the bot answers no command and misses heartbeats."
    if facts["is_over"]:
        effect = "Meanwhile the bot answered no command and missed heartbeats."
    return replace(
        event,
        title="Event loop was blocked" if facts["is_over"] else "Event loop is blocked",
        message=f"{facts['places'][0]}\n{text}. {effect}",
        context={"Blocked for": format_span(facts["seconds"]), **_movement(facts)},
    )


def _movement(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return whether the loop was seen in one place or in several."""
    places = list(dict.fromkeys(facts["places"]))
    if facts["looks"] < 2:
        return {}
    if len(places) == 1:
        return {"Seen there": f"{facts['looks']} of {facts['looks']} times"}
    return {"Seen there": "it moves: " + ", ".join(places[:4])}
