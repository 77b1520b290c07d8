"""Members coming and going: a real bot in the sandbox, and what its member channel shows in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Message, Sandbox

from ...conftest import everything_stored, running_bot


@dataclass(frozen=True, slots=True)
class Life:
    """A bot that runs in a sandbox."""

    sandbox: Sandbox
    bot: commands.Bot

    def embeds(self, name: str) -> list[dict[str, Any]]:
        """What the channel shows of a member now, oldest first."""
        shown = [embed for message in self.sandbox.messages("member_events") for embed in message.embeds]
        return [embed for embed in shown if f"{name} " in embed.get("description", "")]

    def messages(self, text: str) -> list[Message]:
        return [message for message in self.sandbox.messages("member_events") if text in message.text]

    async def shown(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        await self.sandbox.wait_until(lambda: len(self.embeds(name)) >= count, 20)
        return self.embeds(name)


@pytest.fixture
async def life(sandbox: Sandbox, env: pytest.MonkeyPatch) -> AsyncIterator[Life]:
    async with running_bot(sandbox) as bot:
        yield Life(sandbox, bot)


def fields(embed: dict[str, Any]) -> dict[str, str]:
    return {field["name"]: field["value"] for field in embed["fields"]}


async def test_a_join_shows_what_admins_look_for(life: Life) -> None:
    anna = life.sandbox.join("anna", account_age_days=900)
    life.sandbox.join("newbie", account_age_days=2)
    [card] = await life.shown("anna")
    assert card["description"] == f"<@{anna}> anna joined"
    assert card["thumbnail"]["url"].startswith("https://cdn.discordapp.com/")
    [new] = await life.shown("newbie")
    assert new["title"] == "Member joined · new account"
    # Each is said once: the server and the account's age are fields.
    assert new["description"].endswith(" newbie joined")
    assert fields(new)["Account created"].startswith("\u26a0\ufe0f ")
    assert [name for name, value in fields(new).items() if value == "Sandbox"] == ["Server"]


async def test_only_the_servers_asked_for_and_no_bots(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    other = sandbox.add_guild("Elsewhere")
    env.setenv("WEBHOOK_GUILD_IDS", str(sandbox.guild_id))
    env.setenv("WEBHOOK_IGNORE_BOTS", "true")
    async with running_bot(sandbox) as bot:
        life = Life(sandbox, bot)
        sandbox.join("elsewhere", guild_id=other)
        sandbox.join("robot", bot=True)
        sandbox.join("person")
        await life.shown("person")
        assert not life.embeds("elsewhere")
        assert not life.embeds("robot")


@pytest.mark.slow
async def test_a_raid_of_3000_is_a_handful_of_messages(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_RAID_SECONDS", "2")
    async with running_bot(sandbox) as bot:
        life = Life(sandbox, bot)
        for number in range(3000):
            sandbox.join(f"raider{number}", account_age_days=1)
            await asyncio.sleep(0)
        await sandbox.wait_until(lambda: life.messages("Raid over"), 60)
        [card] = life.messages("Raid over")
        assert "3,000 accounts joined within" in card.text
        listed = set(card.attachments[-1].text.split())
        assert all(f"raider{number}" in listed for number in range(3000))
        # The first ones were shown as joins until there were enough for a raid; the raid took their message over.
        assert not life.messages("Member joined")
        assert len(sandbox.messages("member_events")) < 10
        assert sandbox.count_status(429) == 0


@pytest.mark.parametrize("count", [3, 30])
async def test_a_list_that_goes_on_names_no_one_who_was_forgotten(life: Life, count: int) -> None:
    """Of ordinary joins that share a message, and of a raid."""
    manager = life.bot.cogs["Webhooks"].manager  # type: ignore[attr-defined]
    anna = life.sandbox.join("anna", account_age_days=1)
    for number in range(count):
        life.sandbox.join(f"first{number}", account_age_days=1)

    def whole(message: Message) -> str:
        # A long list is in a file.
        return json.dumps(message.raw) + "".join(file.text for file in message.attachments)

    def is_shown(text: str) -> bool:
        return any(text in whole(message) for message in life.sandbox.messages("member_events"))

    await life.sandbox.wait_until(lambda: is_shown(f"first{count - 1}"))
    before = {message.id for message in life.sandbox.messages("member_events")}
    await manager.forget(anna)
    for number in range(count):
        life.sandbox.join(f"second{number}", account_age_days=1)
    await life.sandbox.wait_until(lambda: is_shown(f"second{count - 1}"))
    await manager.flush(10)
    assert str(anna) not in everything_stored()
    new = [message for message in life.sandbox.messages("member_events") if message.id not in before]
    assert not [message for message in new if str(anna) in whole(message)]
    assert (await manager.stats()).balanced


async def test_what_waits_is_shown_when_the_bot_closes(life: Life) -> None:
    life.sandbox.join("anna")
    await life.shown("anna")
    life.sandbox.leave(next(user.id for user in life.bot.users if user.name == "anna"))
    await life.sandbox.wait_until(lambda: not any(user.name == "anna" for user in life.bot.users))
    await life.bot.close()
    assert len(await life.shown("anna", 2)) == 2


@pytest.mark.slow
async def test_somebody_who_comes_back_is_known(life: Life) -> None:
    anna = life.sandbox.join("anna")
    await life.shown("anna")
    life.sandbox.kick(anna, life.sandbox.owner_id, "rude")
    await life.shown("anna", 2)
    life.sandbox.join("anna", user_id=anna)
    first, kicked, again = await life.shown("anna", 3)
    assert "Joined before" not in fields(first)
    assert fields(kicked)["Moderator"] == f"<@{life.sandbox.owner_id}> olivia (`{life.sandbox.owner_id}`)"
    assert fields(kicked)["Member ID"] == f"`{anna}`"
    assert fields(again)["Joined before"].startswith("yes, until ")
    assert fields(again)["Joined before"].endswith(" ago (kicked)")


async def test_somebody_who_left_before_the_bot_came_is_known_to_discord(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    anna = sandbox.join("anna")
    sandbox.leave(anna)
    async with running_bot(sandbox) as bot:
        sandbox.join("anna", user_id=anna)
        [card] = await Life(sandbox, bot).shown("anna")
    assert fields(card)["Joined before"] == "yes, Discord says"


@pytest.mark.slow
async def test_a_hidden_audit_log_is_said_once_and_kicks_are_not_claimed(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    sandbox.forbid("view_audit_log")
    people = [sandbox.join(name, role_ids=[sandbox.admin_role_id]) for name in ("anna", "berta", "carla")]
    async with running_bot(sandbox) as bot:
        life = Life(sandbox, bot)
        sandbox.kick(people[0])
        sandbox.leave(people[1])
        [anna], [berta] = await life.shown("anna"), await life.shown("berta")
        for card in (anna, berta):
            # Nor is a ban told to a bot that may neither see the log nor ban.
            assert card["title"] == "Member left, was kicked or was banned"
            assert fields(card)["Roles"] == "Admins"
            assert "lacks View Audit Log" in fields(card)["Audit log"]
        sandbox.allow("ban_members")
        await sandbox.wait_until(lambda: bot.guilds[0].me.guild_permissions.ban_members)
        sandbox.leave(people[2])
        [carla] = await life.shown("carla")
        assert carla["title"] == "Member left or was kicked"
        assert len(life.messages("Audit log not visible")) == 1


@pytest.mark.slow
async def test_masked_persons_are_nowhere_in_cards_and_lists(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_MASK_USER_IDS", "true")
    env.setenv("WEBHOOK_RAID_JOINS", "3")
    env.setenv("WEBHOOK_RAID_SECONDS", "0.5")
    anna = sandbox.join("anna", joined_days_ago=9)
    async with running_bot(sandbox) as bot:
        life = Life(sandbox, bot)
        sandbox.kick(anna, sandbox.owner_id, "anna was rude to olivia")
        raiders = [sandbox.join(f"raider{number}") for number in range(20)]
        await sandbox.wait_until(lambda: life.messages("Raid going on") and life.messages("kicked"), 30)
        shown = sandbox.messages("member_events")
    texts = [str(message.raw) for message in shown] + [file.text for message in shown for file in message.attachments]
    secret = ("anna", "olivia", "raider", str(anna), str(sandbox.owner_id), *map(str, raiders))
    assert not [word for word in secret for text in texts if word in text]
    assert any(text.count("user-") >= 4 for text in texts)
