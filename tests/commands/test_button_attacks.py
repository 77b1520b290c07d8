"""Buttons that are not genuine, are pressed by others, twice or too late, or while something is broken."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from contextlib import closing

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookManager
from statsbot_webhooks.commands.base import REFUSAL
from statsbot_webhooks.sandbox import InteractionResult, Message, Sandbox

from .test_button_presses import card, custom_id, owned, posted, press, says
from .test_commands import steered_bot
from .test_permissions import CALLERS, Caller, callers, exposed_bot

__all__ = ["callers", "owned"]
_log = logging.getLogger("shop")
_FORGED = "This button was not made by this bot and this storage."
_BUTTONS = (
    ("Acknowledge", "is acknowledged by"),
    ("Mute 1 h", "is muted until"),
    ("End the mute", "was ended early"),
    ("Mute until it is worse", "is muted until more than 10"),
    ("End the mute", "was ended early"),
    ("Resolve", "is resolved by"),
    ("Reopen", "is opened again by"),
)


def _await_file(manager: WebhookManager) -> None:
    until = time.monotonic() + 10
    while not manager.is_durable and time.monotonic() < until:
        time.sleep(0.05)


async def copied(sandbox: Sandbox, bot: commands.Bot, wanted: str, caller: Caller | None = None) -> Message:
    """Show a button of that id in a message of the bot's own, where the caller is."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="x", custom_id=wanted))
    view.stop()
    if caller is not None and caller.direct:
        sent = await (await bot.fetch_user(caller.user_id)).send("copied", view=view)
    else:
        guild = bot.get_guild((caller.guild_id if caller is not None else None) or sandbox.guild_id)
        assert guild is not None
        sent = await guild.text_channels[0].send("copied", view=view)
    return Message({"id": str(sent.id), "channel_id": str(sent.channel.id)}, ())


async def answer_of(sandbox: Sandbox, result: InteractionResult) -> str:
    await sandbox.wait_until(lambda: sandbox.look(result).ephemeral)
    return sandbox.look(result).text.strip()


def refused(bot: commands.Bot) -> dict[str, int]:
    return {reason.value: count for reason, count in bot.cogs["Webhooks"]._commands.runner.access.refused.items()}


@pytest.mark.slow
async def test_every_button_for_every_caller(
    owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch, callers: dict[str, Caller]
) -> None:
    wrong: list[str] = []
    async with exposed_bot(sandbox, env) as bot:
        manager = bot.cogs["Webhooks"].manager
        _log.error("it failed")
        shown = await posted(sandbox)
        for who, (command, _, _) in CALLERS.items():
            caller = callers[who]
            for label, expected in _BUTTONS:
                if command == "answer":
                    text = (await press(sandbox, card(sandbox), label, user_id=caller.user_id)).text
                    if expected not in text:
                        wrong.append(f"{who}, {label}: {text!r}")
                elif label in ("Resolve", "Acknowledge"):
                    at_home = not caller.direct and caller.guild_id is None
                    target = shown if at_home else await copied(sandbox, bot, custom_id(shown, label), caller)
                    result = await sandbox.click(target, custom_id(shown, label), user_id=caller.user_id)
                    if (text := await answer_of(sandbox, result)) != REFUSAL:
                        wrong.append(f"{who}, {label}: {text!r}")
                    issue = manager.admin.overrides.issues.peek(custom_id(shown, label).split("/")[2])
                    assert issue is not None
                    assert issue.state == "open", who
        assert refused(bot) == {"other server": 4, "no admin": 2, "direct message": 2}
        assert (await manager.stats()).balanced
    assert not wrong, "\n".join(wrong)


async def test_ids_that_were_changed_or_copied(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        bot.cogs["Webhooks"]._commands.runner.clock.sleep = lambda _: asyncio.sleep(0)
        _log.error("it failed")
        _log.error("other failure")
        shown, other = await posted(sandbox, "it failed"), await posted(sandbox, "other failure")
        wanted = custom_id(shown, "Acknowledge")
        head, verb, target, mac = wanted.rsplit("/", 3)
        other_target = custom_id(other, "Acknowledge").split("/")[2]
        made_up = [
            f"{head}/r/{target}/{mac}",
            f"{head}/{verb}/{other_target}/{mac}",
            f"{head}/{verb}/{target}/{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}",
            f"{head}/{verb}/{target}/",
            f"{head}/{verb}/{target}/{'A' * 22}",
            f"{wanted}\n",
            f"{wanted}/x",
            f"{head}/z/{target}/{mac}",
            f"{head}/",
        ]
        for number, each in enumerate(made_up, 1):
            assert _FORGED in await answer_of(sandbox, await sandbox.click(shown, each, forged=True)), each
            assert refused(bot) == {"forged component": number}
        # Genuine, but on a message that is none of the webhook's.
        message = await copied(sandbox, bot, wanted)
        assert _FORGED in await answer_of(sandbox, await sandbox.click(message, wanted))
        # Of another storage, as after one in memory.
        manager = bot.cogs["Webhooks"].manager
        manager._pipeline.button_keys._keys = (b"x" * 32,)
        await manager._intake.run(manager._outbox.write_state, {"button_key": b"x".hex() * 32})
        assert _FORGED in await answer_of(sandbox, await sandbox.click(shown, wanted))
        assert [issue.state for issue in await bot.cogs["Webhooks"].manager.admin.list_issues()] == ["open", "open"]
        assert "forged component" in (await sandbox.invoke("webhooks status")).text


async def test_the_same_press_twice_is_one(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        shown = await posted(sandbox)
        result = await press(sandbox, shown, "Acknowledge")
        await press(sandbox, card(sandbox), "Resolve")
        await press(sandbox, card(sandbox), "Reopen")
        sandbox.replay(result)
        await sandbox.wait_until(lambda: refused(bot) == {"replayed": 1})
        assert [issue.state for issue in await bot.cogs["Webhooks"].manager.admin.list_issues()] == ["open"]


async def test_two_who_press_at_once(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        shown = await posted(sandbox)
        users = (sandbox.owner_id, sandbox.admin_id) * 3
        answers = await asyncio.gather(*(press(sandbox, shown, "Resolve", user_id=user) for user in users))
        assert sum("already resolved" in answer.text for answer in answers) == 5
        await bot.cogs["Webhooks"].manager.flush(5)
        await sandbox.wait_until(lambda: "Resolved by" in card(sandbox).content)
        made = [message.text for message in sandbox.messages("info") if "made E-" in message.text]
        assert len(made) == 1


async def test_a_webhook_or_message_that_is_gone(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        _log.error("it failed")
        shown = await posted(sandbox)
        sandbox.delete_webhook("error")
        assert "is acknowledged by olivia" in (await press(sandbox, shown, "Acknowledge")).text
        await says(sandbox, "Acknowledged by olivia", ["Resolve", "Mute 1 h", "Mute until it is worse"])


async def test_an_answer_that_discord_does_not_take(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """The bot was blocked for longer than Discord waits: nothing is done without an answer."""
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        shown = await posted(sandbox)
        runner = bot.cogs["Webhooks"]._commands.runner
        check = runner.access.check

        async def slowly(*what: object) -> object:
            sandbox.skip(4)
            return await check(*what)

        runner.access.check = slowly
        result = await sandbox.click(shown, custom_id(shown, "Resolve"), timeout=0.3)
        assert not result.acknowledged
        assert [issue.state for issue in await bot.cogs["Webhooks"].manager.admin.list_issues()] == ["open"]


@pytest.mark.slow
async def test_a_storage_that_is_locked(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        _log.error("it failed")
        shown = await posted(sandbox)
        await press(sandbox, shown, "Acknowledge")
    with closing(sqlite3.connect("statsbot_webhooks.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with steered_bot(sandbox) as bot:
            answer = await press(sandbox, shown, "Resolve")
            assert _FORGED in answer.text, "memory stands in, and knows nothing"
            _log.error("it failed")
            other.close()
            manager = bot.cogs["Webhooks"].manager
            # The thread that owns the storage tries the file every two seconds.
            await asyncio.to_thread(_await_file, manager)
            (issue,) = await manager.admin.list_issues()
            assert issue.state == "acknowledged"
            assert "is resolved by olivia" in (await press(sandbox, shown, "Resolve")).text
