"""No way in: every command, menu and button, for each sort of caller, with the answer that each gets."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.commands.base import REFUSAL
from statsbot_webhooks.commands.permissions import Denial
from statsbot_webhooks.sandbox import InteractionResult, Sandbox

from ..conftest import running_bot

MENU = "Webhooks: about this card"
# What an admin gets, in this order: one call prepares the next.
ANSWERS = {
    "status": ({}, r"Webhook logging.*Pending"),
    "issues": ({}, r"No error has happened yet"),
    "about": ({"issue": "E-7F3A"}, r"There is no issue"),
    "test": ({"destination": "info"}, r"\*\*info\*\*: delivered, Discord answered 200"),
    "drill": ({}, r"8 events, marked DRILL"),
    "toggle": ({"destination": "performance"}, r"\*\*performance\*\* is (on|off)"),
    "level": ({"target": "destination/info", "level": "ERROR"}, r"\*\*info\*\* shows events from ERROR on"),
    "mute": ({"target": "logger/shop", "duration": "1h"}, r"Logger \*\*shop\*\* is muted until"),
    "unmute": ({"target": "logger/shop"}, r"The mute of logger shop was ended early"),
    "tail": ({"destination": "error"}, r"The newest of error"),
    "flush": ({"destination": "error"}, r"\*\*error\*\*: \d+ sent, 0 still wait"),
    "deadletters": ({}, r"There are no dead letters"),
    "replay": ({}, r"There are no dead letters"),
    "forget": ({"user": "<@123456789012345678>"}, r"0 deleted: waiting events"),
    "settings": ({"name": "batch"}, r"BATCH_TIMEOUT_SECONDS = 0.2 \(environment\)"),
    "reload": ({}, r"Nothing changed"),
    "setup": ({}, r"Every destination has a working webhook already"),
}
REFUSED = re.escape(REFUSAL)
# One line for each caller: what a command, the menu of a message and a completion give.
ALLOWED, SHUT = ("answer", "card", "offers"), ("refused", "refused", "none")
CALLERS = {
    "owner": ALLOWED,
    "admin": ALLOWED,
    "role holder": ALLOWED,
    "admin of another server": SHUT,
    "member": SHUT,
    "owner in another server": SHUT,
    "owner in a direct message": SHUT,
}


@dataclass
class Caller:
    """Who calls, and from where."""

    user_id: int
    guild_id: int | None = None
    direct: bool = False

    async def __call__(self, sandbox: Sandbox, name: str, options: dict[str, Any]) -> InteractionResult:
        where = {"guild_id": self.guild_id, "direct": self.direct}
        return await sandbox.invoke(f"webhooks {name}", user_id=self.user_id, options=options, **where)


@pytest.fixture
def callers(sandbox: Sandbox) -> dict[str, Caller]:
    other = sandbox.add_guild("Elsewhere")
    role = sandbox.add_role("Bot keepers")
    return {
        "owner": Caller(sandbox.owner_id),
        "admin": Caller(sandbox.admin_id),
        "role holder": Caller(sandbox.join("rita", role_ids=[role])),
        "admin of another server": Caller(sandbox.join("sam", guild_id=other, admin=True), other),
        "member": Caller(sandbox.member_id),
        "owner in another server": Caller(sandbox.owner_id, other),
        "owner in a direct message": Caller(sandbox.owner_id, None, True),
    }


@asynccontextmanager
async def exposed_bot(sandbox: Sandbox, env: pytest.MonkeyPatch) -> AsyncGenerator[commands.Bot]:
    """A bot whose host put our commands everywhere, direct messages included: only our own check is left."""
    env.setenv("WEBHOOK_ADMIN_ROLE_IDS", str(max(sandbox.state.guilds[sandbox.guild_id].roles)))
    async with running_bot(sandbox) as bot:
        ours = bot.cogs["Webhooks"]._commands
        ours.group.guild_only = False
        bot.tree.add_command(ours.group)
        bot.tree.add_command(ours._menu)
        await bot.tree.sync()
        await sandbox.wait_until(lambda: sandbox.commands() and sandbox.commands(sandbox.guild_id))
        yield bot


def button(menu: InteractionResult, label: str) -> str:
    found: Iterator[str] = (
        item["custom_id"] for row in menu.message["components"] for item in row["components"] if label in item["label"]
    )
    return next(found)


@pytest.mark.slow
async def test_every_command_for_every_caller(sandbox: Sandbox, env: pytest.MonkeyPatch, callers: dict[str, Caller]) -> None:
    wrong: list[str] = []
    async with exposed_bot(sandbox, env) as bot:
        for who, (command, menu, completion) in CALLERS.items():
            caller = callers[who]
            for name, (options, expected) in ANSWERS.items():
                answer = await caller(sandbox, name, options)
                pattern = expected if command == "answer" else REFUSED
                if not re.search(pattern, answer.text, re.DOTALL) or not answer.ephemeral or "https://" in answer.text:
                    wrong.append(f"{who}, {name}: {answer.text[:150]!r}")
            offers = await sandbox.autocomplete(
                "webhooks tail", "destination", "", user_id=caller.user_id, guild_id=caller.guild_id, direct=caller.direct
            )
            if bool(offers) != (completion == "offers"):
                wrong.append(f"{who}, completion: {offers}")
            if not caller.direct:
                where = {"user_id": caller.user_id, "guild_id": caller.guild_id}
                shown = await sandbox.context_menu(MENU, sandbox.messages("error")[0], **where)
                if not re.search("About this card" if menu == "card" else REFUSED, shown.text):
                    wrong.append(f"{who}, menu: {shown.text[:150]!r}")
        refused = bot.cogs["Webhooks"]._commands.runner.access.refused
        stats = await bot.cogs["Webhooks"].manager.stats()
    assert not wrong, "\n".join(wrong)
    calls = len(ANSWERS) + 1  # and a completion
    assert {reason.value: count for reason, count in refused.items()} == {
        "other server": 2 * calls + 2,
        "no admin": calls + 1,
        "direct message": calls,
    }
    assert stats.balanced


async def test_a_button_is_for_one_person_and_one_use(
    sandbox: Sandbox, env: pytest.MonkeyPatch, callers: dict[str, Caller]
) -> None:
    async with exposed_bot(sandbox, env) as bot:
        await sandbox.invoke("webhooks test", options={"destination": "error"})
        card = sandbox.messages("error")[0]
        menu = await sandbox.context_menu(MENU, card)
        mute = button(menu, "Mute error 1 h")
        for user in (sandbox.admin_id, sandbox.member_id):
            assert (await sandbox.click(menu, mute, user_id=user)).text.strip() == REFUSAL
        made_up = await sandbox.click(menu, "statsbot_webhooks:bm90IG91cnM", forged=True)
        assert made_up.text.strip() == REFUSAL
        assert "Destination **error** is muted until" in (await sandbox.click(menu, mute)).text
        assert "used already" in (await sandbox.click(menu, mute)).text
        # The same event of the gateway once more does nothing and is not answered.
        again = await sandbox.invoke("webhooks toggle", options={"destination": "error"})
        sandbox.replay(again)
        refused = bot.cogs["Webhooks"]._commands.runner.access.refused
        await sandbox.wait_until(lambda: sum(refused.values()) == 5)
        assert not bot.cogs["Webhooks"].manager.workers["error"].is_enabled
        status = (await sandbox.invoke("webhooks status")).text
    assert {reason.value: count for reason, count in refused.items()} == {"forged component": 2, "no admin": 1, "replayed": 2}
    assert "2 forged component" in status
    assert "2 replayed" in status


async def test_who_was_an_admin_is_none_any_more(sandbox: Sandbox, env: pytest.MonkeyPatch, callers: dict[str, Caller]) -> None:
    async with exposed_bot(sandbox, env):
        role = max(sandbox.state.guilds[sandbox.guild_id].roles)
        await sandbox.invoke("webhooks test", options={"destination": "error"})
        menu = await sandbox.context_menu(MENU, sandbox.messages("error")[0], user_id=sandbox.admin_id)
        assert "About this card" in menu.text
        sandbox.take_role(sandbox.admin_id, sandbox.admin_role_id)
        sandbox.take_role(callers["role holder"].user_id, role)
        for who in ("admin", "role holder"):
            assert (await callers[who](sandbox, "status", {})).text.strip() == REFUSAL
        # The menu was opened when they still were one.
        pressed = await sandbox.click(menu, button(menu, "Mute error"), user_id=sandbox.admin_id)
        assert pressed.text.strip() == REFUSAL


async def test_discord_does_not_even_offer_the_commands_elsewhere(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    other = sandbox.add_guild("Elsewhere")
    async with running_bot(sandbox):
        await sandbox.wait_until(lambda: sandbox.commands(sandbox.guild_id))
        for where in ({"guild_id": other}, {"direct": True}):
            with pytest.raises(LookupError):
                await sandbox.invoke("webhooks status", **where)
        (group,) = (each for each in sandbox._rest.bot.commands[sandbox.guild_id] if each["name"] == "webhooks")
        assert group["default_member_permissions"] == discord.Permissions(administrator=True).value


async def status(sandbox: Sandbox, user_id: int) -> str:
    return (await sandbox.invoke("webhooks status", user_id=user_id)).text.strip()


async def test_a_team_steers_but_for_its_readers_and_those_who_left(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    people = {name: sandbox.join(name) for name in ("dora", "rolf", "alma")}
    roles = {people["dora"]: "developer", people["rolf"]: "read_only", people["alma"]: "admin"}
    sandbox.set_team(roles)
    clock = ShiftedClock()
    async with exposed_bot(sandbox, env) as bot:
        bot.cogs["Webhooks"]._commands.runner.access._clock = clock
        for name, may in (("dora", True), ("alma", True), ("rolf", False)):
            assert (await status(sandbox, people[name]) != REFUSAL) is may, name
        del roles[people["dora"]]
        sandbox.set_team(roles)
        clock.later = 61
        assert await status(sandbox, people["dora"]) == REFUSAL
        assert await status(sandbox, people["alma"]) != REFUSAL
        # discord.py remembers for good whom it once found among the owners.
        sandbox.set_team({**roles, people["alma"]: "read_only"})
        clock.later = 122
        assert await status(sandbox, people["alma"]) == REFUSAL


class ShiftedClock(SystemClock):
    """The machine's clock, later by some seconds."""

    later = 0.0

    def now(self) -> float:
        return super().now() + self.later

    def monotonic(self) -> float:
        return super().monotonic() + self.later


async def test_old_buttons_and_old_calls_do_nothing(
    sandbox: Sandbox, env: pytest.MonkeyPatch, callers: dict[str, Caller]
) -> None:
    clock = ShiftedClock()
    async with exposed_bot(sandbox, env) as bot:
        ours = bot.cogs["Webhooks"]._commands
        ours._about._tickets._monotonic = clock.monotonic
        await sandbox.invoke("webhooks test", options={"destination": "error"})
        menu = await sandbox.context_menu(MENU, sandbox.messages("error")[0])
        clock.later = 15 * 60 + 1
        pressed = await sandbox.click(menu, button(menu, "Mute error 1 h"))
        assert "too old" in pressed.text
        assert not len(bot.cogs["Webhooks"].manager.admin.overrides.mutes)
        # A call that reaches the bot after more than 15 minutes: its token has run out.
        ours.runner.access._clock = clock
        assert (await sandbox.invoke("webhooks toggle", options={"destination": "error"})).text.strip() == REFUSAL
        assert bot.cogs["Webhooks"].manager.workers["error"].is_enabled
        assert ours.runner.access.refused[Denial.STALE] == 2


async def test_the_role_of_everyone_is_no_role_of_admins(
    sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with exposed_bot(sandbox, env) as bot:
        env.setenv("WEBHOOK_ADMIN_ROLE_IDS", str(sandbox.guild_id))
        answer = (await sandbox.invoke("webhooks reload", timeout=20)).text
        assert "@everyone" in answer
        # Also where a program sets it, past the settings.
        access = bot.cogs["Webhooks"]._commands.runner.access
        config = bot.cogs["Webhooks"].manager.config
        object.__setattr__(config, "admin_role_ids", frozenset({sandbox.guild_id}))
        assert await status(sandbox, sandbox.member_id) == REFUSAL
        assert access.refused[Denial.STRANGER] == 1
