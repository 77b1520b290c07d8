"""The default routes as a table, and what a destination of one's own changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statsbot_webhooks.config import Destination, LogLevel, WebhookURL
from statsbot_webhooks.events.event import Event, EventKind, decode, encode
from statsbot_webhooks.pipeline.router import Router

FOUR = ("error", "info", "performance", "member_events")


def destination(name: str, **options: Any) -> Destination:
    return Destination(name, WebhookURL("https://discord.com/api/webhooks/1/a"), **options)


def event(kind: str = "log", level: str = "INFO", origin: str = "shop.cart", guild: int | None = None) -> Event:
    return Event(EventKind(kind), LogLevel(level), "text", 0.0, origin, guild_id=guild)


@pytest.mark.parametrize(
    ("kind", "level", "expected"),
    [
        ("log", "CRITICAL", ("error", "info")),
        ("log", "ERROR", ("error",)),
        ("error", "ERROR", ("error",)),
        ("log", "WARNING", ("error",)),
        ("log", "INFO", ("info",)),
        ("log", "DEBUG", ()),
        ("performance", "CRITICAL", ("performance",)),
        ("member", "INFO", ("member_events",)),
    ],
)
def test_default_routes(kind: str, level: str, expected: tuple[str, ...]) -> None:
    assert Router(map(destination, FOUR)).route(event(kind, level)) == expected


def test_fallbacks_of_the_defaults() -> None:
    router = Router([destination("error"), destination("info")])
    assert router.route(event("performance", "WARNING")) == ("error",)
    assert router.route(event("member")) == ("info",)


@pytest.mark.parametrize(
    ("options", "wanted", "unwanted"),
    [
        ({"level": LogLevel.ERROR}, event(level="ERROR"), event(level="WARNING")),
        ({"level": LogLevel.DEBUG}, event(level="DEBUG"), event("member")),
        ({"events": frozenset({EventKind.MEMBER})}, event("member"), event()),
        ({"loggers": ("shop",)}, event(origin="shop.cart"), event(origin="shopping")),
        ({"guilds": frozenset({1})}, event("member", guild=1), event("member", guild=2)),
    ],
)
def test_own_destinations(options: dict[str, Any], wanted: Event, unwanted: Event) -> None:
    router = Router([destination("own", **options)])
    assert router.route(wanted) == ("own",)
    assert router.route(unwanted) == ()


def test_a_built_in_one_can_ask_for_debug() -> None:
    assert Router([destination("info", level=LogLevel.DEBUG)]).route(event(level="DEBUG")) == ("info",)


def test_the_life_of_the_bot_goes_to_info_and_its_failures_to_error_without_info() -> None:
    assert Router(map(destination, FOUR)).route(event("lifecycle")) == ("info",)
    assert Router(map(destination, FOUR)).route(event("lifecycle", "WARNING")) == ("info",)
    assert Router([destination("error")]).route(event("lifecycle", "WARNING")) == ("error",)
    assert Router([destination("error")]).route(event("lifecycle")) == ()
    quiet = Router([destination("info", level=LogLevel.WARNING), destination("own", level=LogLevel.ERROR)])
    assert quiet.route(event("lifecycle")) == ()
    assert quiet.route(event("lifecycle", "WARNING")) == ("info",)
    assert Router([destination("own", events=frozenset({EventKind.LIFECYCLE}))]).route(event("lifecycle")) == ("own",)


def test_the_end_of_an_alert_goes_where_the_alert_went() -> None:
    router = Router([destination("performance", level=LogLevel.CRITICAL), destination("info")])
    end = replace(event("performance", "INFO"), route_level=LogLevel.CRITICAL)
    assert router.route(end) == ("performance",)
    assert router.route(replace(end, route_level=LogLevel.WARNING)) == ()
    assert decode(encode(end)) == end
    assert decode(encode(end)).route_level is LogLevel.CRITICAL
