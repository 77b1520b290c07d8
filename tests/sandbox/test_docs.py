"""docs/sandbox.md and docs/testing.md name what there is: routes, faults, methods, fixtures; and nothing that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from statsbot_webhooks.sandbox import Message, Sandbox
from statsbot_webhooks.sandbox.rest.faults import KINDS
from statsbot_webhooks.testing import BotRunner, CapturedEvents, pytest_plugin

DOCS = Path(__file__).parents[2] / "docs"
FIXTURES = {"bot_in_sandbox", "captured_events", "discord_sandbox", "discord_sandbox_options", "webhook_settings"}


def test_every_route_is_listed() -> None:
    listed = {
        f"{method} {path}"
        for path, methods in re.findall(r"^- `(/\S+)`: ([A-Z, ]+)$", (DOCS / "sandbox.md").read_text("utf-8"), re.MULTILINE)
        for method in methods.split(", ")
    }
    assert listed == set(Sandbox().routes)


def test_every_fault_is_explained() -> None:
    text = (DOCS / "sandbox.md").read_text("utf-8")
    table = text[text.index("| kind |") : text.index("Most of these come by themselves")]
    named = {name for row in table.strip().splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(KINDS)


def test_what_the_guide_calls_is_there() -> None:
    text = (DOCS / "testing.md").read_text("utf-8") + (DOCS / "sandbox.md").read_text("utf-8")
    for owner, kind in (("discord_sandbox", Sandbox), ("captured_events", CapturedEvents), ("bot_in_sandbox", BotRunner)):
        for name in set(re.findall(rf"\b{owner}\.(\w+)", text)):
            assert hasattr(kind, name), f"{owner}.{name}"
    assert all(name in text and hasattr(pytest_plugin, name) for name in FIXTURES)
    for name in ("content", "embeds", "text", "attachments", "reactions", "username", "mentions", "raw"):
        assert hasattr(Message, name) or name in Message.__dataclass_fields__


def test_the_sandbox_is_made_of_parts_and_explains_itself() -> None:
    assert Sandbox.__bases__ == (object,)
    methods = [name for name in dir(Sandbox) if not name.startswith("_")]
    assert len(methods) > 60
    assert not [name for name in methods if not getattr(Sandbox, name).__doc__]
