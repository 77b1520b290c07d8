"""Every way a bot can fail: an unmodified bot ships each exactly once, and prints what it prints without us."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.sandbox import InteractionResult, Sandbox

from .bots import HERE, Bot, bot_process, is_stored, stored_events

# Processes of their own go by the machine's clock.
pytestmark = [pytest.mark.slow, pytest.mark.real_time]

GUILD, NO_GUILD = True, False


@dataclass(frozen=True)
class Expected:
    """What the event of a failure says. `code` is the function of the bot that failed, `command` the command, if it was one."""

    path: str
    origin: str
    code: str
    command: str | None = None
    guild: bool = GUILD
    user: str | None = "mia"
    says: tuple[str, ...] = ()


OLIVIA = "olivia"
PATHS = [
    Expected("extension at import", "extension broken_extension", "<module>", guild=NO_GUILD, user=None),
    Expected("on_ready", "on_ready", "on_ready", guild=NO_GUILD, user=None),
    Expected("event handler", "on_message", "read_along"),
    Expected("cog listener", "on_message", "count_words"),
    Expected("prefix command", "command !divide", "divide", "!divide", says=("number", "5")),
    Expected("hybrid prefix", "command !both", "both", "!both"),
    Expected("hybrid slash", "command /both", "both", "/both", user=OLIVIA, says=("what", "slash")),
    Expected("group subcommand", "command !stock sell", "sell", "!stock sell"),
    Expected("command with a handler", "command !handled", "handled", "!handled"),
    Expected("exception group", "command !several", "several", "!several", says=("part 1", "part 2", "LookupError: the cause")),
    Expected("logger.exception", "shop", "careful", "!careful", says=("could not be careful",)),
    Expected("slash command", "command /slash", "slash", "/slash", user=OLIVIA, says=("colour", "red", "adam")),
    Expected("slash subcommand", "command /admin purge", "purge", "/admin purge", user=OLIVIA, says=("count", "3")),
    Expected("message menu", "command Report (message menu)", "report", "Report (message menu)", user=OLIVIA, says=("of mia",)),
    Expected("user menu", "command Whois (user menu)", "whois", "Whois (user menu)", user=OLIVIA, says=("adam",)),
    Expected("autocomplete", "discord.app_commands.tree", "complete", "/find", user=OLIVIA, says=("name", "ab")),
    Expected("view button", "view Panel", "buy", user=OLIVIA, says=("button 'Buy'",)),
    Expected("view select", "view Panel", "pick", user=OLIVIA, says=("select 'pick'", "red")),
    Expected("modal", "modal Form", "on_submit", user=OLIVIA, says=("Feedback", "Your opinion", "it is good")),
    Expected("view with a handler", "view CarefulPanel", "pay", user=OLIVIA),
    Expected("tasks.loop", "task refresh", "refresh", guild=NO_GUILD, user=None),
    Expected("loop with a handler", "task restock", "restock", guild=NO_GUILD, user=None),
    Expected("forgotten task", "task forgotten", "forgotten", guild=NO_GUILD, user=None),
    Expected("loop callback", "asyncio", "callback", guild=NO_GUILD, user=None),
    Expected("thread", "thread worker", "work", guild=NO_GUILD, user=None),
    Expected("extension in setup", "extension broken_setup_extension", "setup", "!act"),
    Expected("handler set late", "command /late", "late", "/late", user=OLIVIA),
    Expected("event handler set late", "on_message", "read_late"),
]


async def fail_in_every_way(sandbox: Sandbox, bot: Bot) -> None:
    """Let users do what makes the bot fail, one thing after the other; each waits until the bot has printed it."""

    async def printed(text: str) -> None:
        await sandbox.wait_until(lambda: text in bot.printed or bot.process.returncode is not None, 60)
        assert text in bot.printed

    async def say(text: str, path: str) -> None:
        sandbox.say(text)
        await printed(f"boom({path})" if path else text)

    async def do(action: Callable[..., Awaitable[Any]], path: str, *args: Any, **kwargs: Any) -> None:
        await action(*args, **kwargs, timeout=0.01)
        await printed(f"boom({path})")

    await printed("boom(on_ready)")
    await say("trip", "event handler")
    await say("trip the cog", "cog listener")
    await say("!divide 5", "prefix command")
    await say("!both prefix", "hybrid prefix")
    await do(sandbox.invoke, "hybrid slash", "both", options={"what": "slash"})
    await say("!stock sell", "group subcommand")
    await say("!handled", "command with a handler")
    await say("!several", "exception group")
    await say("!careful", "logger.exception")
    await do(sandbox.invoke, "slash command", "slash", options={"colour": "red", "who": str(sandbox.admin_id)})
    await do(sandbox.invoke, "slash subcommand", "admin purge", options={"count": 3})
    sandbox.say("a message")
    await do(sandbox.context_menu, "message menu", "Report", sandbox.messages("general")[-1])
    await do(sandbox.context_menu, "user menu", "Whois", sandbox.admin_id)
    await do(sandbox.autocomplete, "autocomplete", "find", "name", "ab")
    await _use_views(sandbox, do)
    for what, path in (
        *(("loop", "tasks.loop"), ("handled_loop", "loop with a handler"), ("task", "forgotten task")),
        *(("callback", "loop callback"), ("thread", "thread"), ("extension", "extension in setup")),
    ):
        await say(f"!act {what}", path)
    sandbox.say("!forbidden")
    await printed("a user's mistake")
    sandbox.say("!act handlers")
    sandbox.say("!echo handlers")
    await printed("echo handlers")
    await do(sandbox.invoke, "handler set late", "late")
    sandbox.say("trip late")
    await printed("the bot's own handler: on_message")
    sandbox.say("!root first")
    await printed("from the root logger: first")
    sandbox.say("!careful")
    sandbox.say("!root last")
    await printed("from the root logger: last")
    sandbox.say("!echo end")
    await printed("echo end")


async def _use_views(sandbox: Sandbox, do: Callable[..., Awaitable[None]]) -> None:
    panel: InteractionResult = await sandbox.invoke("panel", options={"careful": False})
    await do(sandbox.click, "view button", panel, "buy")
    await do(sandbox.click, "view select", panel, "pick", values=["red"])
    form = await sandbox.click(panel, "form")
    await do(sandbox.submit, "modal", form, {"opinion": "it is good"})
    careful = await sandbox.invoke("panel", options={"careful": True})
    await do(sandbox.click, "view with a handler", careful, "pay")


Runs = dict[bool, tuple[str, list[Event]]]


async def _run(folder: Path) -> Runs:
    found: Runs = {}
    for load in (False, True):
        async with Sandbox(limits=False) as sandbox:
            # Discord does not answer, so that all that was accepted is in the storage when the bot is killed.
            sandbox.webhook_url("error")
            sandbox.fault("error", "no_answer")
            async with bot_process(sandbox, HERE / "failing_bot.py", folder / str(load), load=load) as bot:
                await fail_in_every_way(sandbox, bot)
                if load:
                    await sandbox.wait_until(lambda bot=bot: is_stored(bot.folder, "from the root logger: last"), 30)
            found[load] = (bot.comparable, stored_events(bot.folder) if load else [])
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """What the bot printed and had accepted, with us and without."""
    return asyncio.run(_run(tmp_path_factory.mktemp("failures")))


def test_the_console_is_byte_for_byte_the_same(runs: Runs) -> None:
    without, with_us = runs[False][0], runs[True][0]
    changed = "\n".join(unified_diff(without.splitlines(), with_us.splitlines(), "without", "with", lineterm=""))
    if changed:
        pytest.fail(changed)
    assert without == with_us
    assert all(f"boom({each.path})" in without for each in PATHS if "set late" not in each.path)


@pytest.mark.parametrize("expected", PATHS, ids=lambda expected: expected.path)
def test_each_failure_arrives_once_with_all_that_is_known(runs: Runs, expected: Expected) -> None:
    marker = f"boom({expected.path})"
    found = [event for event in runs[True][1] if marker in event.message or marker in (event.traceback or "")]
    if expected.path == "logger.exception":
        # It happened twice, and the second says so.
        assert [event.context.get("seen_before", "").partition(" ")[0] for event in found] == ["", "once"]
        found = found[:1]
    [event] = found
    assert (event.kind, event.level) == (EventKind.ERROR, LogLevel.ERROR)
    assert event.origin == expected.origin
    assert event.context.get("command") == expected.command
    assert (event.guild_id is not None, event.context.get("guild")) == (expected.guild, "Sandbox" if expected.guild else None)
    assert event.context.get("user", "").partition(" ")[0] == (expected.user or "")
    assert (expected.user is not None) == ("channel" in event.context)
    if expected.user:
        assert expected.user in [name for person in event.persons for name in person.names]
    assert f", in {expected.code}\n" in (event.traceback or "")
    marked = [line for line in (event.traceback or "").splitlines() if line.lstrip(" |").startswith("> ")]
    assert any(str(HERE) in line and line.endswith(f", in {expected.code}") for line in marked)
    for text in expected.says:
        assert text in f"{event.message} {event.context} {event.traceback}"


def test_nothing_else_is_an_error(runs: Runs) -> None:
    others = [event for event in runs[True][1] if "boom(" not in f"{event.message}{event.traceback}"]
    assert [(event.kind, event.message) for event in others] == [
        (EventKind.LOG, f"from the root logger: {which}") for which in ("first", "last")
    ]
