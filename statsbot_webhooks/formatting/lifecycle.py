"""Cards of the bot as a whole: online, stopped, gaps of the gateway, servers joined and left. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..events.colors import GREEN, GREY, RED
from ..events.event import Event
from ..events.time_text import format_count, format_span
from .own_markup import own_time

_MOST_NAMES: Final = 12


def show_start(event: Event) -> Event:
    """Return a start of the bot, or of logging, as it is shown."""
    facts = event.facts
    deploy: Mapping[str, Any] = facts.get("deploy") or {}
    context: dict[str, Any] = {**_version(facts, deploy), "servers": facts["servers"], "members": facts["members"]}
    if facts["shards"] is not None:
        context["shards"] = facts["shards"]
    context |= {"host": facts["host"], "Runs on": facts["runs_on"], "Up for": format_span(facts["uptime"])}
    title = "Online" if facts["is_bot_start"] else "Logging is on"
    context |= _deploy(deploy)
    return replace(event, title=title, color=GREEN, context={**context, **event.context})


def _version(facts: Mapping[str, Any], deploy: Mapping[str, Any]) -> dict[str, str]:
    version = facts.get("version") or ""
    if not deploy:
        return {"version": version} if version else {}
    commits = f" ({format_count(deploy['commits'], 'commit')})" if deploy["commits"] else ""
    return {"version": f"{deploy['before']} \u2192 {version}{commits}"}


def _deploy(deploy: Mapping[str, Any]) -> dict[str, str]:
    """Return what a new version brought in its first hour."""
    if not deploy:
        return {}
    none = "none" if deploy["is_over"] else "none so far"
    found = {"New errors": _names(deploy["new"]) or none}
    if deploy["back"]:
        found["Came back"] = _names(deploy["back"])
    if deploy["gone"]:
        # Only at the end it can be said.
        found["Not seen since"] = _names(deploy["gone"])
    return found


def _names(references: Sequence[str]) -> str:
    more = len(references) - _MOST_NAMES
    return ", ".join(references[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def show_stop(event: Event) -> Event:
    """Return a stop of the bot, or of logging, as it is shown."""
    facts = event.facts
    context = {"Up for": format_span(facts["uptime"]), "host": facts["host"], "Runs on": facts["runs_on"]}
    title = "Stopped" if facts["is_bot_stop"] else "Logging is off"
    return replace(event, title=title, color=GREY, context={**context, **event.context})


def show_gateway(event: Event) -> Event:
    """Return the gaps of one shard, open or closed, as they are shown."""
    facts = event.facts
    who = "The gateway" if facts["shard"] is None else f"Shard {facts['shard']}"
    context: dict[str, Any] = {}
    if facts["count"] > 1:
        context |= {"gaps": facts["count"], "In all": format_span(facts["total"])}
    if facts["longest"]:
        context["Longest gap"] = format_span(facts["longest"])
    if facts["down_since"] is not None:
        text = f"{event.message} It was lost at {own_time(facts['down_since'], 't')}."
        return replace(event, title=f"{who} is disconnected", message=text, context=context)
    text = f"{event.message} {_missed(facts)} It began at {own_time(facts['began'], 't')}."
    return replace(event, title=f"{who} is connected again", color=GREEN, message=text, context=context)


def _missed(facts: Mapping[str, Any]) -> str:
    fresh, count = facts["fresh_sessions"], facts["count"]
    if not fresh:
        return "The session was resumed: nothing was missed."
    if fresh == count:
        return "The session could not be resumed: what happened meanwhile was missed."
    return f"{fresh} sessions of {count} could not be resumed: what happened then was missed."


def show_outage(event: Event) -> Event:
    """Return the outage of a destination, open or over, as it is shown."""
    facts = event.facts
    name, began = facts["destination"], facts["began"]
    context: dict[str, Any] = {"began": f"{own_time(began, 'f')} ({own_time(began, 'R')})"}
    if facts["is_over"]:
        context["What was wrong"] = facts["problem"]
        return replace(event, title=f"Webhook {name} works again", color=GREEN, context=context)
    return replace(event, title=f"Webhook {name} does not work", color=RED, context=context)


def show_server(event: Event) -> Event:
    """Return a server that the bot has joined or left as it is shown."""
    facts = event.facts
    owner = facts["owned_by"]
    context: dict[str, Any] = {
        "server": f"{facts['name']} ({facts['id']})",
        **({} if facts["members"] is None else {"members": facts["members"]}),
        "owner": f"{owner['name']} ({owner['id']})" if owner["name"] else str(owner["id"]),
        "Servers now": facts["servers"],
    }
    is_join = facts["verb"] == "joined"
    return replace(event, title=f"Server {facts['verb']}", color=GREEN if is_join else GREY, context=context)
