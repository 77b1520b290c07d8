"""What the bot may do in a server: channels, webhooks and the audit log, with the permission and without it."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.permissions import ADMINISTRATOR, ALL, SEND_MESSAGES, VIEW_CHANNEL, add_up

from ..conftest import plain_bot


async def test_channels_and_webhooks_by_the_bots_own_permission(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        guild = bot.guilds[0]
        category = await guild.create_category("Bot logs")
        hidden = {
            guild.default_role: discord.PermissionOverwrite(view_channel=False),
            guild.me: discord.PermissionOverwrite(view_channel=True),
        }
        channel = await guild.create_text_channel("Bot Errors", category=category, topic="what fails", overwrites=hidden)
        assert (channel.name, channel.category_id, channel.topic) == ("bot-errors", category.id, "what fails")
        webhook = await channel.create_webhook(name="errors")
        await webhook.send("it works", wait=True)
        assert [message.content for message in sandbox.messages("bot-errors")] == ["it works"]
        [found] = await channel.webhooks()
        assert (found.token, found.user) == (webhook.token, bot.user)
        assert len(await guild.webhooks()) == 1
        for wrong in ("my discord hook", " ", "x" * 81):
            with pytest.raises(discord.HTTPException, match="Invalid Form Body"):
                await channel.create_webhook(name=wrong)
        for _ in range(14):
            await channel.create_webhook(name="more")
        with pytest.raises(discord.HTTPException, match="30007"):
            await channel.create_webhook(name="one too many")
        with pytest.raises(discord.HTTPException, match="Invalid Form Body"):
            await guild.create_text_channel("x" * 101)
        sandbox.forbid("manage_channels", "manage_webhooks")
        for refused in (
            guild.create_text_channel("more"),
            channel.create_webhook(name="more"),
            guild.webhooks(),
            channel.webhooks(),
        ):
            with pytest.raises(discord.Forbidden) as error:
                await refused
            assert error.value.code == 50013
        sandbox.allow("manage_channels")
        await channel.delete()
        assert "bot-errors" not in sandbox.channels()
        with pytest.raises(discord.NotFound):
            await webhook.send("gone")


async def test_the_audit_log_is_for_those_who_may_see_it(sandbox: Sandbox) -> None:
    entries: list[discord.AuditLogAction] = []
    async with plain_bot(sandbox) as bot:

        @bot.listen()
        async def on_audit_log_entry_create(entry: discord.AuditLogEntry) -> None:
            entries.append(entry.action)

        guild, people = bot.guilds[0], [sandbox.join(name) for name in ("anna", "bob", "carl", "dora")]
        sandbox.kick(people[0], reason="rude")
        sandbox.softban(people[1], reason="spam")
        sandbox.prune(people[2:], days=30)
        actions = discord.AuditLogAction
        await sandbox.wait_until(lambda: len(entries) == 4)
        assert entries == [actions.kick, actions.ban, actions.unban, actions.member_prune]
        found = [entry async for entry in guild.audit_logs()]
        assert [entry.action for entry in found] == entries[::-1]
        extra: Any = found[0].extra
        assert (extra.members_removed, extra.delete_member_days, found[0].target) == (2, 30, None)
        [kick] = [entry async for entry in guild.audit_logs(action=actions.kick)]
        assert (kick.reason, str(kick.user)) == ("rude", "adam")
        after = [entry async for entry in guild.audit_logs(after=found[1], oldest_first=True)]
        assert [entry.id for entry in after] == [found[0].id]
        assert sandbox.bot_id not in people
        assert guild.me.guild_permissions.view_audit_log
        sandbox.forbid("view_audit_log")
        sandbox.kick(sandbox.join("emil"))
        left = sandbox.join("fritz")
        await sandbox.wait_until(lambda: guild.get_member(left) is not None)
        assert not guild.me.guild_permissions.view_audit_log
        assert len(entries) == 4, "nothing of the kick is told"
        with pytest.raises(discord.Forbidden):
            _ = [entry async for entry in guild.audit_logs()]


def role(role_id: int, permissions: int) -> dict[str, object]:
    return {"id": str(role_id), "permissions": str(permissions)}


def overwrite(of: int, allow: int = 0, deny: int = 0) -> dict[str, object]:
    return {"id": str(of), "allow": str(allow), "deny": str(deny)}


@pytest.mark.parametrize(
    ("roles", "overwrites", "owner", "expected"),
    [
        ([role(1, VIEW_CHANNEL)], [], False, VIEW_CHANNEL),
        ([role(1, VIEW_CHANNEL), role(2, SEND_MESSAGES)], [], False, VIEW_CHANNEL | SEND_MESSAGES),
        ([role(1, 0)], [overwrite(1, deny=VIEW_CHANNEL)], True, ALL),
        ([role(1, 0), role(2, ADMINISTRATOR)], [overwrite(2, deny=VIEW_CHANNEL)], False, ALL),
        ([role(1, VIEW_CHANNEL)], [overwrite(1, deny=VIEW_CHANNEL)], False, 0),
        (
            [role(1, 0), role(2, 0), role(3, 0)],
            [overwrite(2, allow=VIEW_CHANNEL), overwrite(3, deny=VIEW_CHANNEL)],
            False,
            VIEW_CHANNEL,
        ),
        ([role(1, 0), role(2, 0)], [overwrite(2, allow=VIEW_CHANNEL), overwrite(9, deny=VIEW_CHANNEL)], False, 0),
        ([role(1, 0)], [overwrite(1, deny=VIEW_CHANNEL), overwrite(9, allow=VIEW_CHANNEL)], False, VIEW_CHANNEL),
    ],
)
def test_permissions_add_up_as_discord_says(roles: Any, overwrites: Any, owner: bool, expected: int) -> None:
    assert add_up(roles, overwrites, 9, 1, is_owner=owner) == expected
