"""The title of an error's card says what failed and where, and leads there."""

from __future__ import annotations

from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.events.factory import error_event

JUMP = "https://discord.com/channels/1/22/333"


def card(event: Event, **settings: int) -> dict[str, object]:
    return MessageFormatter(WebhookConfig(**settings)).format_event(event).embeds[0]  # type: ignore[arg-type]


def fields(embed: dict[str, object]) -> dict[str, str]:
    return {field["name"]: field["value"] for field in embed["fields"]}  # type: ignore[index,union-attr]


def failing(**more: object) -> Event:
    context = {"command": "!divide", "options": {"first": 1, "second": 0}, "user": "mia (2)", "channel": "#shop", "guild": "Shop"}
    return error_event(
        ZeroDivisionError("division by zero"), now=0.0, origin="command !divide", context=context, guild_id=1, **more
    )  # type: ignore[arg-type]


def test_the_title_says_what_failed_and_where() -> None:
    embed = card(failing())
    assert embed["title"] == "ZeroDivisionError in !divide"
    assert str(embed["description"]).startswith("division by zero\n")
    assert "footer" not in embed


def test_a_log_record_with_an_exception_is_named_by_it() -> None:
    trace = (
        'Traceback (most recent call last):\n> File "a.py", line 1, in f\n    x\nshop.errors.Closed: on Sunday\nError: no type\n'
    )
    event = Event(EventKind.ERROR, LogLevel.ERROR, "the order failed", 0.0, "shop.orders", traceback=trace)
    embed = card(event)
    assert embed["title"] == "Closed in shop.orders"
    assert str(embed["description"]).startswith("the order failed\n")


def test_a_record_without_an_exception_keeps_its_level() -> None:
    assert card(Event(EventKind.LOG, LogLevel.ERROR, "no exception", 0.0, "shop"))["title"] == "ERROR · shop"


def test_title_and_channel_lead_to_where_it_happened() -> None:
    embed = card(failing(jump=JUMP))
    assert embed["url"] == JUMP
    assert fields(embed)["Channel"] == f"[\\#shop]({JUMP})"
    at_home = card(failing(jump=JUMP), admin_guild_id=1)
    assert fields(at_home)["Channel"] == "<#22>"


def test_no_other_address_becomes_a_link() -> None:
    for text in ("https://evil.example/channels/1/2/3", "https://discord.com/channels/1/2/3/../4", "javascript:1"):
        embed = card(failing(jump=text))
        assert "url" not in embed
        assert fields(embed)["Channel"] == "\\#shop"


def test_fields_stand_in_the_order_of_a_reader() -> None:
    found = fields(card(failing()))
    assert list(found)[:4] == ["Server", "Channel", "Command", "User"]
    assert found["Options"] == "first: 1, second: 0"
