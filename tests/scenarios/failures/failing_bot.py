"""A bot that fails in every way there is, told by its users. It knows nothing of us but one line, and only if LOAD is set."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands, tasks

_log = logging.getLogger("shop")


def boom(path: str) -> None:
    raise RuntimeError(f"boom({path})")


class FailingBot(commands.Bot):
    async def setup_hook(self) -> None:
        if os.environ.get("LOAD"):
            await self.load_extension("statsbot_webhooks")
        await self.try_to_load("broken_extension")
        await self.add_cog(Shop())
        self.tree.add_command(Admin())
        await self.tree.sync()

    async def try_to_load(self, name: str) -> None:
        try:
            await self.load_extension(name)
        except commands.ExtensionError as error:
            print(f"not loaded: {error}")


bot = FailingBot("!", intents=discord.Intents.all())


@bot.event
async def on_ready() -> None:
    boom("on_ready")


@bot.listen("on_message")
async def read_along(message: discord.Message) -> None:
    if message.content == "trip":
        boom("event handler")


class Shop(commands.Cog):
    @commands.Cog.listener("on_message")
    async def count_words(self, message: discord.Message) -> None:
        if message.content == "trip the cog":
            boom("cog listener")

    @commands.command()
    async def divide(self, ctx: commands.Context[Any], number: int) -> None:
        boom("prefix command")

    @commands.hybrid_command(description="Both")
    async def both(self, ctx: commands.Context[Any], what: str) -> None:
        boom(f"hybrid {what}")

    @commands.group()
    async def stock(self, ctx: commands.Context[Any]) -> None: ...

    @stock.command()
    async def sell(self, ctx: commands.Context[Any]) -> None:
        boom("group subcommand")

    @commands.command()
    async def handled(self, ctx: commands.Context[Any]) -> None:
        boom("command with a handler")

    @handled.error
    async def on_handled(self, ctx: commands.Context[Any], error: commands.CommandError) -> None:
        print("the command's own handler:", error)

    @commands.command()
    async def several(self, ctx: commands.Context[Any]) -> None:
        async def fail(number: int) -> None:
            raise ValueError(f"part {number}")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail(1))
                group.create_task(fail(2))
        except ExceptionGroup as parts:
            raise ExceptionGroup("boom(exception group)", parts.exceptions) from LookupError("the cause")

    @commands.command()
    async def careful(self, ctx: commands.Context[Any]) -> None:
        try:
            boom("logger.exception")
        except RuntimeError:
            _log.exception("could not be careful")


@bot.tree.command(description="Slash")
async def slash(interaction: discord.Interaction, colour: str, who: discord.Member) -> None:
    boom("slash command")


class Admin(app_commands.Group, name="admin", description="A group"):
    @app_commands.command(description="Sub")
    async def purge(self, interaction: discord.Interaction, count: int) -> None:
        boom("slash subcommand")


@bot.tree.context_menu(name="Report")
async def report(interaction: discord.Interaction, message: discord.Message) -> None:
    boom("message menu")


@bot.tree.context_menu(name="Whois")
async def whois(interaction: discord.Interaction, user: discord.Member) -> None:
    boom("user menu")


@bot.tree.command(description="Autocomplete")
async def find(interaction: discord.Interaction, name: str) -> None: ...


@find.autocomplete("name")
async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    boom("autocomplete")
    return []


class Form(ui.Modal, title="Feedback"):
    text: ui.TextInput[Any] = ui.TextInput(label="Your opinion", custom_id="opinion")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        boom("modal")


class Panel(ui.View):
    @ui.button(label="Buy", custom_id="buy")
    async def buy(self, interaction: discord.Interaction, button: ui.Button[Any]) -> None:
        boom("view button")

    @ui.select(custom_id="pick", options=[discord.SelectOption(label="Red", value="red")])
    async def pick(self, interaction: discord.Interaction, select: ui.Select[Any]) -> None:
        boom("view select")

    @ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, button: ui.Button[Any]) -> None:
        await interaction.response.send_modal(Form())


class CarefulPanel(ui.View):
    @ui.button(label="Pay", custom_id="pay")
    async def pay(self, interaction: discord.Interaction, button: ui.Button[Any]) -> None:
        boom("view with a handler")

    async def on_error(self, interaction: discord.Interaction, error: Exception, item: ui.Item[Any]) -> None:
        print("the view's own handler:", error)


@bot.tree.command(description="Panel")
async def panel(interaction: discord.Interaction, careful: bool) -> None:
    await interaction.response.send_message("panel", view=CarefulPanel() if careful else Panel())


@tasks.loop(seconds=3600)
async def refresh() -> None:
    boom("tasks.loop")


@tasks.loop(seconds=3600)
async def restock() -> None:
    boom("loop with a handler")


@restock.error
async def on_restock(error: BaseException) -> None:
    print("the loop's own handler:", error)


async def forgotten() -> None:
    boom("forgotten task")


def callback() -> None:
    boom("loop callback")


def work() -> None:
    boom("thread")


@bot.command()
async def act(ctx: commands.Context[Any], what: str) -> None:
    if what == "loop":
        refresh.start()
    elif what == "handled_loop":
        restock.start()
    elif what == "task":
        asyncio.create_task(forgotten())  # noqa: RUF006 - that it is held nowhere is the point
    elif what == "callback":
        asyncio.get_running_loop().call_soon(callback)
    elif what == "thread":
        threading.Thread(target=work, name="worker").start()
    elif what == "extension":
        await bot.try_to_load("broken_setup_extension")
    elif what == "handlers":
        bot.tree.error(on_tree_error)
        bot.event(on_error)


async def on_tree_error(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
    print("the tree's own handler:", error)


async def on_error(event: str, /, *args: object, **kwargs: object) -> None:
    print("the bot's own handler:", event)


@bot.tree.command(description="Late")
async def late(interaction: discord.Interaction) -> None:
    boom("handler set late")


@bot.listen("on_message")
async def read_late(message: discord.Message) -> None:
    if message.content == "trip late":
        boom("event handler set late")


@bot.command()
async def echo(ctx: commands.Context[Any], text: str) -> None:
    print("echo", text)


@bot.command()
async def root(ctx: commands.Context[Any], text: str) -> None:
    # The first call of such a function sets up logging, if the root logger has no handler yet.
    logging.error("from the root logger: %s", text)  # noqa: LOG015 - beginners do it, and it must print as ever


@bot.command()
async def forbidden(ctx: commands.Context[Any]) -> None:
    raise commands.CheckFailure("a user's mistake")


bot.run(os.environ["DISCORD_TOKEN"])
