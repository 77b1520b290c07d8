"""What users do with a bot: buttons, menus, modals, context menus, autocomplete, direct messages, forged and replayed."""

from __future__ import annotations

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import plain_bot

Bot = commands.Bot


class Form(discord.ui.Modal, title="Mute"):
    reason: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Reason", custom_id="reason", max_length=20)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"muted: {self.reason.value}", view=None)


class Menu(discord.ui.View):
    @discord.ui.button(label="Count", custom_id="count")
    async def count(self, interaction: discord.Interaction, button: discord.ui.Button[Menu]) -> None:
        await interaction.response.edit_message(content=f"clicked by {interaction.user}")

    @discord.ui.button(label="Whisper", custom_id="whisper")
    async def whisper(self, interaction: discord.Interaction, button: discord.ui.Button[Menu]) -> None:
        await interaction.response.send_message("psst", ephemeral=True)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction, button: discord.ui.Button[Menu]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="changed later")

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, button: discord.ui.Button[Menu]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, interaction: discord.Interaction, button: discord.ui.Button[Menu]) -> None: ...

    @discord.ui.select(custom_id="pick", options=[discord.SelectOption(label=x, value=x) for x in "abc"], max_values=2)
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select[Menu]) -> None:
        await interaction.response.edit_message(content=f"picked {'+'.join(select.values)}")

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="who")
    async def who(self, interaction: discord.Interaction, select: discord.ui.UserSelect[Menu]) -> None:
        await interaction.response.edit_message(content=f"chose {select.values[0]!s} {type(select.values[0]).__name__}")


def with_menu(bot: Bot) -> None:
    @bot.tree.command()
    async def menu(interaction: discord.Interaction) -> None:
        """Open the menu."""
        await interaction.response.send_message("menu", view=Menu(), ephemeral=True)


async def test_clicks_choices_and_modals(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        with_menu(bot)
        await bot.tree.sync()
        opened = await sandbox.invoke("menu")
        assert opened.ephemeral
        clicked = await sandbox.click(opened, "count", user_id=sandbox.admin_id)
        assert clicked.updated
        assert clicked.content == "clicked by adam"
        assert sandbox.look(opened).content == "clicked by adam", "it is the same message"
        assert opened.content == "menu", "a result stays what it was"
        whispered = await sandbox.click(opened, "whisper")
        assert (whispered.content, whispered.ephemeral, whispered.updated) == ("psst", True, False)
        deferred = await sandbox.click(opened, "later")
        assert deferred.deferred
        await sandbox.wait_until(lambda: sandbox.look(deferred).content == "changed later")
        assert (await sandbox.click(opened, "pick", values=["a", "c"])).content == "picked a+c"
        assert (await sandbox.click(opened, "who", values=[str(sandbox.member_id)])).content == "chose mia Member"
        for custom_id, values in (("gone", None), ("off", None), ("pick", ["d"]), ("pick", ["a", "b", "c"]), ("pick", [])):
            with pytest.raises(LookupError):
                await sandbox.click(opened, custom_id, values=values)
        form = await sandbox.click(opened, "form", user_id=sandbox.admin_id)
        assert form.modal["title"] == "Mute"
        for wrong in ({"reason": ""}, {"reason": "x" * 21}, {"other": "x"}):
            with pytest.raises(LookupError):
                await sandbox.submit(form, wrong)
        assert (await sandbox.submit(form, {"reason": "spam"})).content == "muted: spam"
        assert sandbox.look(opened).message["components"] == []
        assert sandbox.messages("general") == [], "ephemeral answers are in no channel"


async def test_a_button_of_a_message_in_a_channel(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        channel = bot.guilds[0].text_channels[0]
        await channel.send("press", view=Menu())
        [message] = sandbox.messages("general")
        await sandbox.click(message, "count", user_id=sandbox.member_id)
        [message] = sandbox.messages("general")
        assert message.content == "clicked by mia"
        assert message.edited_timestamp


async def test_forged_and_replayed_interactions_reach_the_bot(sandbox: Sandbox) -> None:
    seen: list[tuple[int, str, str]] = []
    async with plain_bot(sandbox) as bot:
        with_menu(bot)
        await bot.tree.sync()

        @bot.listen()
        async def on_interaction(interaction: discord.Interaction) -> None:
            data = interaction.data or {}
            seen.append((interaction.id, str(interaction.user), str(data.get("custom_id") or data.get("name"))))

        opened = await sandbox.invoke("menu")
        forged = await sandbox.click(opened, "drop:all", user_id=sandbox.member_id, forged=True, timeout=0.1)
        assert not forged.acknowledged
        clicked = await sandbox.click(opened, "whisper")
        sandbox.replay(clicked)
        await sandbox.wait_until(lambda: len(seen) == 4)
        assert [what for _, _, what in seen] == ["menu", "drop:all", "whisper", "whisper"]
        assert seen[1][1] == "mia"
        assert seen[2] == seen[3]
        # The answer to the second one is refused: the first was acknowledged already.
        await sandbox.wait_until(lambda: any(r.status == 400 and r.response["code"] == 40060 for r in sandbox.requests))


async def test_context_menus_and_autocomplete(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:

        @bot.tree.context_menu(name="Whois")
        async def whois(interaction: discord.Interaction, member: discord.Member) -> None:
            await interaction.response.send_message(f"{member} has {len(member.roles)} roles")

        @bot.tree.context_menu(name="Quote")
        async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(f"{message.author}: {message.content}")

        @bot.tree.command()
        async def play(interaction: discord.Interaction, song: str, role: discord.Role | None = None) -> None:
            """Play."""
            await interaction.response.send_message(f"{song} for {role}")

        @play.autocomplete("song")
        async def songs(interaction: discord.Interaction, text: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=name, value=name) for name in ("song one", "song two") if text in name]

        await bot.tree.sync()
        dj = sandbox.add_role("DJ")
        dora = sandbox.join("dora", role_ids=[dj])
        assert (await sandbox.context_menu("Whois", dora)).content == "dora has 2 roles"
        sandbox.say("hello")
        assert (await sandbox.context_menu("Quote", sandbox.messages("general")[-1])).content == "mia: hello"
        with pytest.raises(LookupError):
            await sandbox.context_menu("Quote", dora)
        assert [choice["value"] for choice in await sandbox.autocomplete("play", "song", "two")] == ["song two"]
        assert (await sandbox.invoke("play", options={"song": "x", "role": dj})).content == "x for DJ"


async def test_direct_messages_take_global_commands_only(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:
        guild = discord.Object(sandbox.guild_id)

        @bot.tree.command()
        async def where(interaction: discord.Interaction) -> None:
            """Say where."""
            view = Menu()
            assert isinstance(interaction.user, discord.Member if interaction.guild else discord.User)
            await interaction.response.send_message(f"{interaction.guild} {interaction.context.dm_channel}", view=view)

        @bot.tree.command(guild=guild)
        async def here(interaction: discord.Interaction) -> None:
            """Only in one server."""

        @bot.tree.command()
        @app_commands.guild_only()
        async def servers(interaction: discord.Interaction) -> None:
            """Only in servers."""

        await bot.tree.sync()
        await bot.tree.sync(guild=guild)
        answer = await sandbox.invoke("where", direct=True, user_id=sandbox.member_id)
        assert answer.content == "None True"
        assert (await sandbox.click(answer, "count", user_id=sandbox.member_id)).content == "clicked by mia"
        for name in ("here", "servers"):
            with pytest.raises(LookupError):
                await sandbox.invoke(name, direct=True)
        assert (await sandbox.invoke("where")).content == "Sandbox False"


async def test_a_file_as_an_option(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:

        @bot.tree.command(description="Reads a file")
        async def read(interaction: discord.Interaction, log: discord.Attachment) -> None:
            await interaction.response.send_message(f"{log.filename}: {(await log.read()).decode()}")

        await bot.tree.sync()
        result = await sandbox.invoke("read", options={"log": ("log.txt", b"all is well")})
        assert result.content == "log.txt: all is well"
        with pytest.raises(LookupError, match=r"takes a file: \(name, data\)"):
            await sandbox.invoke("read", options={"log": "text"})


# Forms have such parts from discord.py 2.7 on.
HAS_FILE_UPLOADS = hasattr(discord.ui, "FileUpload")

if HAS_FILE_UPLOADS:

    class Everything(discord.ui.Modal, title="Everything"):
        who: discord.ui.Label[Everything] = discord.ui.Label(
            text="Who", component=discord.ui.UserSelect(custom_id="who", max_values=2, required=True)
        )
        where: discord.ui.Label[Everything] = discord.ui.Label(
            text="Where", component=discord.ui.ChannelSelect(custom_id="where", required=False)
        )
        log: discord.ui.Label[Everything] = discord.ui.Label(
            text="Log", component=discord.ui.FileUpload(custom_id="log", required=False)
        )

        async def on_submit(self, interaction: discord.Interaction) -> None:
            parts = (self.who.component, self.where.component, self.log.component)
            assert isinstance(parts[0], discord.ui.UserSelect)
            assert isinstance(parts[1], discord.ui.ChannelSelect)
            assert isinstance(parts[2], discord.ui.FileUpload)
            files = [(await file.read()).decode() for file in parts[2].values]
            await interaction.response.send_message(f"{[str(each) for each in (*parts[0].values, *parts[1].values)]} {files}")


@pytest.mark.skipif(not HAS_FILE_UPLOADS, reason="this discord.py has no such forms")
async def test_forms_take_members_channels_and_files(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:

        @bot.tree.command()
        async def everything(interaction: discord.Interaction) -> None:
            """Open the form."""
            await interaction.response.send_modal(Everything())

        await bot.tree.sync()
        opened = await sandbox.invoke("everything")
        channel = sandbox.add_channel("talk")
        values = {"who": [sandbox.member_id], "where": [channel], "log": ("log.txt", b"it broke")}
        assert (await sandbox.submit(opened, values)).content == "['mia', 'talk'] ['it broke']"
        assert sandbox.messages("general")[-1].raw["interaction"]["name"] == "Everything"
        opened = await sandbox.invoke("everything")
        assert (await sandbox.submit(opened, {"who": [sandbox.member_id]})).content == "['mia'] []"
        wrong: dict[str, list[int]]
        for wrong in ({}, {"who": []}, {"who": [1, 2, 3]}):
            with pytest.raises(LookupError, match="another number of choices"):
                await sandbox.submit(opened, wrong)


async def test_options_that_a_client_would_not_send_are_refused(sandbox: Sandbox) -> None:
    async with plain_bot(sandbox) as bot:

        @bot.tree.command()
        @app_commands.choices(color=[app_commands.Choice(name="Red", value="r")])
        async def buy(
            interaction: discord.Interaction,
            count: app_commands.Range[int, 1, 10],
            color: app_commands.Choice[str] | None = None,
            note: app_commands.Range[str, 2, 5] | None = None,
            gift: bool = False,
        ) -> None:
            """Buy."""
            await interaction.response.send_message(f"{count} {color and color.value} {note} {gift}")

        shop = app_commands.Group(name="shop", description="Shop")

        @shop.command(name="open")
        async def open_(interaction: discord.Interaction) -> None:
            """Open."""
            await interaction.response.send_message("open")

        bot.tree.add_command(shop)
        await bot.tree.sync()
        assert (
            await sandbox.invoke("buy", options={"count": 3, "color": "r", "note": "abc", "gift": True})
        ).content == "3 r abc True"
        assert (await sandbox.invoke("shop open")).message["interaction"]["name"] == "shop open"
        for options, text in (
            ({"count": 99}, "count takes at most 10"), ({"count": 0}, "count takes at least 1"),
            ({"count": "3"}, "count takes a whole number, not '3'"), ({"count": True}, "whole number"),
            ({"count": 3, "color": "blue"}, "color does not offer 'blue'"), ({"count": 3, "note": "x"}, "at least 2 characters"),
            ({"count": 3, "gift": "yes"}, "gift takes a boolean"),
        ):  # fmt: skip
            with pytest.raises(LookupError, match=text):
                await sandbox.invoke("buy", options=options)


async def test_who_is_timed_out_can_do_nothing_until_it_ends(sandbox: Sandbox) -> None:
    message = sandbox.say("hello")
    sandbox.timeout(sandbox.member_id, 60)
    with pytest.raises(LookupError, match="mia is timed out"):
        sandbox.say("hello again")
    with pytest.raises(LookupError, match="mia is timed out"):
        sandbox.react(message, "👍")
    sandbox.skip(61)
    sandbox.say("x" * 4000)
    with pytest.raises(ValueError, match="at most 4000 characters, and this one 4001"):
        sandbox.say("x" * 4001)
