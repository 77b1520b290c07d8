"""Tests of the shop's bot: everything that docs/testing.md shows, on one small bot."""

import discord
import pytest
from discord.ext import commands, tasks
from shop_bot import ShopBot

from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.testing import BotRunner, CapturedEvents


@pytest.fixture
async def bot(bot_in_sandbox: BotRunner) -> ShopBot:
    return await bot_in_sandbox(ShopBot())


async def test_a_note_gets_a_reaction(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    discord_sandbox.say("!note buy plums")
    await discord_sandbox.wait_until(lambda: discord_sandbox.messages("general")[-1].reactions)
    assert discord_sandbox.messages("general")[-1].reactions == {"📝": 1}


async def test_a_note_is_logged(
    bot: ShopBot, discord_sandbox: Sandbox, captured_events: CapturedEvents, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "shop_bot")
    discord_sandbox.say("!note buy plums", author_id=discord_sandbox.admin_id)
    await discord_sandbox.wait_until(lambda: "a note of adam: buy plums" in caplog.text)


@pytest.mark.parametrize(("item", "count", "said"), [("apple", 1, "1 x apple: 2 coins"), ("plum", 5, "5 x plum: 5 coins")])
async def test_prices(bot: ShopBot, discord_sandbox: Sandbox, item: str, count: int, said: str) -> None:
    result = await discord_sandbox.invoke("price", options={"item": item, "count": count})
    assert (result.content, result.ephemeral) == (said, False)


async def test_what_is_not_sold_is_said_to_one_user_only(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    result = await discord_sandbox.invoke("price", options={"item": "car"}, user_id=discord_sandbox.member_id)
    assert result.ephemeral
    assert "no car" in result.text
    assert not discord_sandbox.messages("general")


async def test_items_are_completed(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    choices = await discord_sandbox.autocomplete("price", "item", "p")
    assert [choice["name"] for choice in choices] == ["pear", "plum"]


async def test_the_count_is_needed_as_a_whole_number(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    with pytest.raises(LookupError, match="needs the option item"):
        await discord_sandbox.invoke("price")
    with pytest.raises(LookupError, match="no option colour"):
        await discord_sandbox.invoke("price", options={"item": "apple", "colour": "red"})


async def test_an_order_is_a_button_and_a_form(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    price = await discord_sandbox.invoke("price", options={"item": "apple"})
    form = await discord_sandbox.click(price, "order", user_id=discord_sandbox.member_id)
    assert form.modal["title"] == "Your order"
    (field,) = form.modal["components"][0]["components"]
    answer = await discord_sandbox.submit(form, {field["custom_id"]: "Elm Street 5"})
    assert answer.ephemeral
    assert answer.content == "On its way to Elm Street 5!"


async def test_a_short_address_cannot_be_sent(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    price = await discord_sandbox.invoke("price", options={"item": "apple"})
    form = await discord_sandbox.click(price, "order")
    (field,) = form.modal["components"][0]["components"]
    with pytest.raises(LookupError, match="length"):
        await discord_sandbox.submit(form, {field["custom_id"]: "x"})


async def test_the_button_of_a_message_in_the_channel(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    await discord_sandbox.invoke("price", options={"item": "apple"})
    message = await discord_sandbox.wait_for_message("general", "coins")
    assert (await discord_sandbox.click(message, "order")).modal
    with pytest.raises(LookupError, match="no component"):
        await discord_sandbox.click(message, "another")


async def test_new_members_are_greeted(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    nora = discord_sandbox.join("nora")
    await discord_sandbox.wait_until(lambda: discord_sandbox.direct_messages(nora))
    assert discord_sandbox.direct_messages(nora)[0].content == "Welcome to Sandbox, nora!"


async def test_members_are_captured(bot: ShopBot, discord_sandbox: Sandbox, captured_events: CapturedEvents) -> None:
    discord_sandbox.join("nora")
    await discord_sandbox.wait_until(lambda: captured_events.of_kind("member"))
    assert "nora" in (await discord_sandbox.wait_for_message("members", "nora")).text


async def test_a_kick_names_the_moderator(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    discord_sandbox.kick(discord_sandbox.member_id, discord_sandbox.admin_id, "rude")
    message = await discord_sandbox.wait_for_message("members", "rude")
    assert "adam" in message.text


async def test_a_broken_command_is_captured(bot: ShopBot, discord_sandbox: Sandbox, captured_events: CapturedEvents) -> None:
    bot.add_command(broken)
    discord_sandbox.say("!broken")
    event = await captured_events.wait_for("ZeroDivisionError")
    assert (event.kind, event.level) == ("error", "ERROR")
    assert "ZeroDivisionError" in (await discord_sandbox.wait_for_message("error", "ZeroDivisionError")).text
    assert captured_events.errors == [event]


async def test_in_a_direct_message(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    asked = discord_sandbox.direct_message("!note in private")
    await discord_sandbox.wait_until(lambda: discord_sandbox.direct_messages(discord_sandbox.member_id)[0].reactions)
    assert discord_sandbox.direct_messages(discord_sandbox.member_id)[0].id == asked


async def test_a_command_in_a_direct_message(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    assert (await discord_sandbox.invoke("price", options={"item": "pear"}, direct=True)).content == "1 x pear: 3 coins"


async def test_edits_and_deletes_reach_the_bot(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    seen: list[str] = []
    bot.add_listener(note_edit(seen), "on_message_edit")
    bot.add_listener(note_delete(seen), "on_message_delete")
    said = discord_sandbox.say("first")
    discord_sandbox.edit(said, "second")
    discord_sandbox.delete(said)
    await discord_sandbox.wait_until(lambda: seen == ["first -> second", "second"])


async def test_reactions_and_files_reach_the_bot(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    said = discord_sandbox.say("see this", files={"log.txt": b"all is well"})
    discord_sandbox.react(said, "👍")
    reaction, user = await bot.wait_for("reaction_add", timeout=5)
    assert (str(reaction.emoji), user.name) == ("👍", "mia")
    assert await reaction.message.attachments[0].read() == b"all is well"


async def test_a_reply_knows_what_it_answers(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    first = discord_sandbox.say("question")
    discord_sandbox.say("answer", reply_to=first)
    message = await bot.wait_for("message", check=lambda each: each.content == "answer", timeout=5)
    assert message.reference.message_id == first


async def test_it_may_not_do_what_it_is_not_allowed(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    mia = bot.get_guild(discord_sandbox.guild_id).get_member(discord_sandbox.member_id)
    with pytest.raises(discord.Forbidden):
        await mia.ban()
    discord_sandbox.allow("ban_members")
    await mia.ban()
    await discord_sandbox.wait_until(lambda: mia.guild.get_member(mia.id) is None)


async def test_an_outage_loses_nothing(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    discord_sandbox.fault("member_events", "429", times=1, delay=0.2)
    discord_sandbox.join("nora")
    await discord_sandbox.wait_for_message("members", "nora")
    assert discord_sandbox.count_status(429) == 1


async def test_it_resumes_after_a_lost_connection(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    discord_sandbox.disconnect()
    await bot.wait_for("resumed", timeout=10)
    discord_sandbox.say("!note still there")
    await discord_sandbox.wait_until(lambda: discord_sandbox.messages("general")[-1].reactions)


async def test_time_is_skipped(bot: ShopBot, bot_in_sandbox: BotRunner) -> None:
    ticks: list[int] = []
    loop = tasks.loop(hours=1)(tick(ticks))
    loop.start()
    await bot_in_sandbox.skip(2.5 * 3600)
    assert len(ticks) == 3
    loop.cancel()


async def test_a_view_times_out(bot: ShopBot, bot_in_sandbox: BotRunner, discord_sandbox: Sandbox) -> None:
    view = discord.ui.View(timeout=180)
    view.add_item(discord.ui.Button(label="Now", custom_id="now"))
    await bot.get_channel(next(iter(bot.get_guild(discord_sandbox.guild_id).text_channels)).id).send("press", view=view)
    await bot_in_sandbox.skip(200)
    assert view.is_finished()


async def test_a_channel_that_does_not_exist(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    with pytest.raises(LookupError, match="there are #general"):
        discord_sandbox.say("hello", channel="nowhere")


async def test_another_server(bot: ShopBot, discord_sandbox: Sandbox) -> None:
    there = discord_sandbox.add_guild("Second Shop")
    await discord_sandbox.wait_until(lambda: bot.get_guild(there) is not None)
    result = await discord_sandbox.invoke("price", options={"item": "plum"}, guild_id=there)
    assert result.content == "1 x plum: 1 coins"


@commands.command()
async def broken(ctx: commands.Context[ShopBot]) -> None:
    await ctx.send(str(1 / 0))


def note_edit(seen: list[str]):
    async def on_edit(before: discord.Message, after: discord.Message) -> None:
        seen.append(f"{before.content} -> {after.content}")

    return on_edit


def note_delete(seen: list[str]):
    async def on_delete(message: discord.Message) -> None:
        seen.append(message.content)

    return on_delete


def tick(ticks: list[int]):
    async def run() -> None:
        ticks.append(1)

    return run
