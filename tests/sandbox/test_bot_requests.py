"""What a real bot does over REST: threads, pins, reactions, roles, members, bans, invites; and what it is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import plain_bot


def places(bot: commands.Bot, sandbox: Sandbox) -> tuple[discord.Guild, discord.TextChannel]:
    guild = bot.get_guild(sandbox.guild_id)
    assert guild is not None
    channel = discord.utils.get(guild.text_channels, name="general")
    assert channel is not None
    return guild, channel


async def pinned(channel: discord.TextChannel) -> list[int]:
    found: Any = channel.pins()
    # Before discord.py 2.6 it was a list.
    return [message.id async for message in found] if hasattr(found, "__aiter__") else [message.id for message in await found]


async def test_messages_pins_reactions_and_history(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        _, channel = places(bot, sandbox)
        asked = sandbox.say("who is there?")
        answer = await channel.send("I am", reference=discord.MessageReference(message_id=asked, channel_id=channel.id))
        assert answer.reference is not None
        assert isinstance(answer.reference.resolved, discord.Message)
        assert answer.reference.resolved.content == "who is there?"
        with pytest.raises(discord.HTTPException, match="Unknown message"):
            await channel.send("x", reference=discord.MessageReference(message_id=1, channel_id=channel.id))
        await answer.pin()
        assert await pinned(channel) == [answer.id]
        await answer.unpin()
        assert not await pinned(channel)
        await answer.add_reaction("👍")
        sandbox.react(answer.id, "👍")
        (reaction,) = (await channel.fetch_message(answer.id)).reactions
        assert (reaction.emoji, reaction.count, reaction.me) == ("👍", 2, True)
        assert {user.name async for user in reaction.users()} == {"demo-bot", "mia"}
        await answer.remove_reaction("👍", discord.Object(sandbox.member_id))
        await answer.clear_reactions()
        assert not (await channel.fetch_message(answer.id)).reactions
        ids = [asked, answer.id, *[sandbox.say(str(number)) for number in range(5)]]
        assert [m.id async for m in channel.history(limit=3)] == ids[:-4:-1]
        assert [m.id async for m in channel.history(after=discord.Object(asked), oldest_first=True)] == ids[1:]
        assert [m.id async for m in channel.history(before=discord.Object(ids[2]))] == [answer.id, asked]
        await channel.delete_messages([discord.Object(each) for each in ids[2:4]])
        assert len(sandbox.messages("general")) == len(ids) - 2


async def test_threads_of_a_channel_and_posts_of_a_forum(sandbox: Sandbox) -> None:
    sandbox.add_channel("ideas", forum=True, tags=["new", "old"], require_tag=True)
    async with plain_bot(sandbox) as bot:
        guild, channel = places(bot, sandbox)
        thread = await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
        await thread.send("within")
        from_message = await (await channel.send("begins here")).create_thread(name="from it")
        assert from_message.id != thread.id
        assert {thread.name for thread in await guild.active_threads()} == {"aside", "from it"}
        await thread.edit(archived=True)
        sandbox.set_thread("aside", locked=True)
        with pytest.raises(discord.HTTPException, match="160005"):
            await thread.send("too late")
        assert [each.name async for each in channel.archived_threads()] == ["aside"]
        sandbox.allow("manage_threads")
        await thread.send("a moderator may")
        assert not [each async for each in channel.archived_threads()]
        await from_message.delete()
        forum = discord.utils.get(guild.forums, name="ideas")
        assert forum is not None
        with pytest.raises(discord.HTTPException, match="40067"):
            await forum.create_thread(name="post", content="text")
        created = await forum.create_thread(name="post", content="text", applied_tags=[forum.available_tags[0]])
        assert [tag.name for tag in created.thread.applied_tags] == ["new"]
        assert [message.content for message in sandbox.messages("post")] == ["text"]
        sandbox.limit_threads(1)
        with pytest.raises(discord.HTTPException, match="160006"):
            await channel.create_thread(name="one more", type=discord.ChannelType.public_thread)


async def test_members_roles_bans_and_their_audit_log(sandbox: Sandbox) -> None:
    sandbox.allow("kick_members", "ban_members", "moderate_members", "manage_nicknames")
    zoe = sandbox.join("zoe")
    async with plain_bot(sandbox) as bot:
        guild, _ = places(bot, sandbox)
        role = await guild.create_role(name="helpers", colour=discord.Colour.red())
        mia = await guild.fetch_member(sandbox.member_id)
        await mia.add_roles(role)
        assert role in (await guild.fetch_member(mia.id)).roles
        await mia.remove_roles(role)
        await role.edit(name="friends")
        assert discord.utils.get(await guild.fetch_roles(), name="friends") is not None
        await role.delete()
        await mia.edit(nick="M")
        await mia.timeout(timedelta(minutes=5), reason="spam")
        fresh = await guild.fetch_member(mia.id)
        assert (fresh.nick, fresh.is_timed_out()) == ("M", True)
        with pytest.raises(discord.Forbidden):
            await (await guild.fetch_member(sandbox.admin_id)).edit(nick="lower")
        await guild.ban(discord.Object(zoe), reason="raid")
        assert [entry.user.name async for entry in guild.bans()] == ["zoe"]
        await guild.unban(discord.Object(zoe))
        await guild.kick(mia, reason="bye")
        with pytest.raises(discord.NotFound):
            await guild.fetch_member(mia.id)
        log = [(entry.action.name, entry.reason) async for entry in guild.audit_logs(oldest_first=True)]
        assert ("member_update", "spam") in log
        assert log[-3:] == [("ban", "raid"), ("unban", None), ("kick", "bye")]


async def test_channels_invites_and_overwrites(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        guild, channel = places(bot, sandbox)
        invite = await channel.create_invite(max_age=60)
        assert [each.code for each in await channel.invites()] == [invite.code]
        await invite.delete()
        await channel.edit(name="lobby", topic="Here")
        assert sandbox.channels()[0] == "lobby"
        role = guild.get_role(sandbox.admin_role_id)
        assert role is not None
        await channel.set_permissions(guild.default_role, view_channel=False)
        with pytest.raises(discord.Forbidden):
            await bot.http.get_message(channel.id, 1)
        news = await guild.create_text_channel("news", news=True)
        message = await news.send("told")
        await message.publish()
        for _ in range(10):
            await message.edit(content="again")
        bot.http.max_ratelimit_timeout = 30.0
        with pytest.raises(discord.RateLimited):
            await message.edit(content="too often")
        assert sandbox.requests[-1].response["code"] == 20022


@pytest.mark.parametrize("content", [True, False])
async def test_who_may_read_what_others_wrote(content: bool) -> None:
    async with Sandbox(message_content=content) as box:
        with box.redirect():
            said = box.say("a secret")
            box.say(f"hello <@{box.bot_id}>")
            async with plain_bot(box) as bot:
                _, channel = places(bot, box)
                own = await channel.send("mine")
                texts = {m.id: m.content async for m in channel.history()}
                assert texts[said] == ("a secret" if content else "")
                assert (await channel.fetch_message(said)).content == texts[said]
                assert texts[own.id] == "mine"
                assert f"hello <@{box.bot_id}>" in texts.values()


async def test_what_else_a_bot_asks_for(sandbox: Sandbox) -> None:
    sandbox.allow("ban_members", "manage_threads")
    zoe = sandbox.join("zoe")
    async with plain_bot(sandbox) as bot:
        guild, channel = places(bot, sandbox)
        assert bot.user is not None
        await bot.user.edit(username="renamed")
        assert (await bot.fetch_user(bot.user.id)).name == "renamed"
        assert (await bot.fetch_channel(channel.id)).id == channel.id
        assert [each.id async for each in bot.fetch_guilds()] == [guild.id]
        ids = {member.id async for member in guild.fetch_members()}
        assert ids == {sandbox.owner_id, bot.user.id, sandbox.admin_id, sandbox.member_id, zoe}
        await guild.me.edit(nick="Bot")
        assert (await guild.fetch_member(bot.user.id)).nick == "Bot"
        async with channel.typing():
            pass
        await channel.set_permissions(guild.default_role, send_messages=False)
        assert (await bot.fetch_channel(channel.id)).overwrites_for(guild.default_role).send_messages is False  # type: ignore[union-attr]
        await channel.set_permissions(guild.default_role, overwrite=None)
        assert (await bot.fetch_channel(channel.id)).overwrites_for(guild.default_role).is_empty()  # type: ignore[union-attr]
        message = await channel.send("a slip")
        await message.delete()
        assert not sandbox.messages("general")
        thread = await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
        await thread.join()
        assert [member.id for member in await thread.fetch_members()] == [bot.user.id]
        await thread.add_user(discord.Object(zoe))
        await thread.remove_user(discord.Object(zoe))
        await guild.ban(discord.Object(zoe), reason="raid")
        assert (await guild.fetch_ban(discord.Object(zoe))).user.name == "zoe"
        with pytest.raises(discord.NotFound, match="Unknown Ban"):
            await guild.fetch_ban(discord.Object(sandbox.member_id))
        await guild.leave()
        with pytest.raises(discord.NotFound, match="Unknown Guild"):
            await guild.leave()


async def test_a_new_name_is_told_to_bots_in_every_server(sandbox: Sandbox) -> None:
    other = sandbox.add_guild("Other")
    zoe = sandbox.join("zoe")
    sandbox.join("zoe", user_id=zoe, guild_id=other)
    async with plain_bot(sandbox) as bot:
        assert bot.user is not None
        heard: list[tuple[str, str, str | None]] = []

        @bot.listen()
        async def on_user_update(before: discord.User, after: discord.User) -> None:
            heard.append((before.name, after.name, after.global_name))

        sandbox.rename_user(zoe, "zoey", global_name="Zoey")
        await sandbox.wait_until(lambda: heard)
        assert heard == [("zoe", "zoey", "Zoey")]
        assert [guild.get_member(zoe).name for guild in bot.guilds] == ["zoey", "zoey"]  # type: ignore[union-attr]
        sandbox.rename_user(zoe, global_name=None)
        await sandbox.wait_until(lambda: len(heard) == 2)
        assert heard[1] == ("zoey", "zoey", None)
        # A nickname is no name of the user.
        sandbox.rename(zoe, "Zo")
        await sandbox.wait_until(lambda: bot.guilds[0].get_member(zoe).nick == "Zo")  # type: ignore[union-attr]
        assert len(heard) == 2
        with pytest.raises(KeyError):
            sandbox.rename_user(5, "none")
        # Its own name a bot hears by an event of its own, without the intent for members.
        await bot.user.edit(username="renamed")
        await sandbox.wait_until(lambda: bot.user.name == "renamed")  # type: ignore[union-attr]


async def test_a_bot_without_the_members_intent_hears_its_own_new_name(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox, intents=discord.Intents.default()) as bot, plain_bot(sandbox) as other:
        assert bot.user is not None
        await other.user.edit(username="renamed")  # type: ignore[union-attr]
        await sandbox.wait_until(lambda: bot.user.name == "renamed")  # type: ignore[union-attr]


async def test_commands_one_by_one(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:

        @bot.tree.command(description="Say hello")
        async def hello(interaction: discord.Interaction) -> None:
            """Say hello."""

        await bot.tree.sync()
        (command,) = await bot.tree.fetch_commands()
        assert (command.name, command.description) == ("hello", "Say hello")
        assert (await bot.tree.fetch_command(command.id)).name == "hello"
        assert (await command.edit(description="Greet")).description == "Greet"
        await command.delete()
        assert not await bot.tree.fetch_commands()
        with pytest.raises(discord.NotFound):
            await bot.tree.fetch_command(command.id)


async def test_what_is_not_implemented_says_so(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        guild, _ = places(bot, sandbox)
        with pytest.raises(discord.DiscordServerError, match=r"the sandbox does not implement GET /guilds/\d+/templates"):
            await guild.templates()
        assert sandbox.count_status(501) == 1, "discord.py does not repeat it"


# The heartbeats come from a thread.
@pytest.mark.real_time
async def test_latency_is_that_of_one_heartbeat() -> None:
    """The answer used to come before discord.py had noted that it sent the heartbeat, and counted from the one before."""
    async with Sandbox(heartbeat_seconds=0.4) as box:
        with box.redirect():
            async with plain_bot(box) as bot:
                measured: list[float] = []

                def look() -> bool:
                    if bot.latency not in measured:
                        measured.append(bot.latency)
                    return len(measured) > 4

                await box.wait_until(look)
                assert max(measured[1:]) < 0.35, measured


async def test_heartbeats_without_an_answer() -> None:
    async with Sandbox(heartbeat_seconds=0.2) as box:
        with box.redirect():
            async with plain_bot(box, heartbeat_timeout=0.6) as bot:
                box.acknowledge_heartbeats(False)
                await bot.wait_for("resumed", timeout=20)
                box.acknowledge_heartbeats(True)
                before = bot.latency
                await box.wait_until(lambda: bot.latency != before)


async def test_channels_of_every_kind_and_their_order(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        guild, channel = places(bot, sandbox)
        voice, stage = await guild.create_voice_channel("voice"), await guild.create_stage_channel("stage")
        assert (voice.bitrate, stage.user_limit) == (64000, 0)
        category = await guild.create_category("category")
        await channel.edit(position=2, category=category)
        await voice.move(end=True)
        await sandbox.wait_until(lambda: channel.category == category)
        role = await guild.create_role(name="low")
        assert [each.name for each in await guild.fetch_roles() if each.id == role.id] == ["low"]
        if hasattr(guild, "fetch_role"):  # from discord.py 2.5 on
            assert (await guild.fetch_role(role.id)).name == "low"
        # Whom a thread is shown to does not change what the bot may do in it.
        private = await channel.create_thread(name="private")
        assert (await private.send("within")).channel == private
        await private.edit(archived=True)
        assert [each.id async for each in channel.archived_threads(private=True)] == [private.id]
        assert not [each.id async for each in channel.archived_threads()]


async def test_parts_of_a_message_that_are_not_implemented_are_refused_by_name(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        _, channel = places(bot, sandbox)
        poll = discord.Poll("Which?", timedelta(hours=1)).add_answer(text="this")
        webhook = await channel.create_webhook(name="shop")
        for send in (channel.send, webhook.send):
            with pytest.raises(discord.HTTPException, match="the sandbox does not implement polls"):
                await send(poll=poll)
        hello = await channel.send("hello")
        if hasattr(hello, "forward"):  # from discord.py 2.5 on
            with pytest.raises(discord.HTTPException, match="the sandbox does not implement forwarded messages"):
                await hello.forward(channel)
        assert len(sandbox.messages("general")) == 1


_ODD = (None, 5, "x", [5], [None], {"a": 1}, [[1]])


async def test_bodies_of_another_shape_are_refused_and_nothing_breaks(sandbox: Sandbox) -> None:
    channel, guild = f"channels/{sandbox.add_channel('talk')}", f"guilds/{sandbox.guild_id}"
    routes = (
        ("PUT", f"{channel}/permissions/{sandbox.admin_role_id}", "type"), ("PATCH", channel, "permission_overwrites"),
        ("POST", f"{channel}/messages", "embeds"), ("POST", f"{channel}/messages/bulk-delete", "messages"),
        ("POST", f"{guild}/roles", "permissions"), ("POST", f"{guild}/bulk-ban", "user_ids"),
        ("POST", "users/@me/channels", "recipient_id"), ("PATCH", f"{guild}/channels", "position"),
    )  # fmt: skip
    sandbox.allow("administrator")
    headers = {"Authorization": f"Bot {sandbox.bot_token}"}
    async with aiohttp.ClientSession(f"{sandbox.base_url}/api/v10/", headers=headers) as session:
        for method, path, key in routes:
            for value in _ODD:
                async with session.request(method, path, json={key: value}) as answer:
                    assert answer.status < 500, (method, path, value, await answer.text())
        async with session.post(f"{channel}/messages", json={"content": "still here"}) as answer:
            assert answer.status == 200
