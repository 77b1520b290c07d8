# pyright: reportUntypedBaseClass=false, reportGeneralTypeIssues=false
"""Runs a well-known bot from its checkout, as its own start does, but for what needs a database; LOAD says whether we are there.

`drive.py NAME`: robodanny, modmail or red. A cog that fails in every way is added; the bot's own handlers are what is tested.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import types
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands, tasks

NAME = sys.argv[1]
_ASKING = ("cogs.opencollective", "cogs.splatoon", "cogs.dpy")
CHECKOUT = os.environ[f"{NAME.upper()}_DIR"]
sys.path.insert(0, CHECKOUT)
if NAME == "red":
    # Red takes only cogs and commands of its own classes.
    from redbot.core import commands  # type: ignore[import-not-found, no-redef]  # noqa: F811


def boom(path: str) -> None:
    raise RuntimeError(f"boom({path})")


class Panel(ui.View):
    @ui.button(label="Buy", custom_id="buy")
    async def buy(self, interaction: discord.Interaction, button: ui.Button[Any]) -> None:
        boom("view")


class Failing(commands.Cog):
    """Fails when it is told to."""

    @commands.command()
    async def failing(self, ctx: commands.Context[Any]) -> None:
        boom("command")

    @commands.command()
    async def loopfail(self, ctx: commands.Context[Any]) -> None:
        self.work.start()

    @commands.command()
    async def taskfail(self, ctx: commands.Context[Any]) -> None:
        async def task() -> None:
            boom("task")

        asyncio.create_task(task())  # noqa: RUF006 - that it is held nowhere is the point

    @commands.Cog.listener("on_ready")
    async def tell(self) -> None:
        await asyncio.sleep(1)
        print("READY NOW")

    @commands.Cog.listener("on_message")
    async def read(self, message: discord.Message) -> None:
        if message.content == "trip":
            boom("listener")
        if message.content == "the end":
            # What Python reports when something is destroyed, it reports now.
            gc.collect()
            await asyncio.sleep(0.5)
            print("THE END")

    @tasks.loop(seconds=3600)
    async def work(self) -> None:
        boom("loop")


def add_app_commands(bot: Any) -> None:
    @app_commands.command(name="slashfail", description="Fails")
    async def slash(interaction: discord.Interaction) -> None:
        boom("slash")

    @app_commands.command(name="panel", description="Panel")
    async def panel(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("panel", view=Panel())

    for command in (slash, panel):
        bot.tree.add_command(command)


async def prepare(bot: Any) -> None:
    """Do what the bot's owner does: load us, and his own cog."""
    if os.environ.get("LOAD"):
        if NAME == "red":
            # Red loads extensions by its own specs; a cog is added as everywhere.
            import statsbot_webhooks

            await statsbot_webhooks.setup(bot)
        else:
            await bot.load_extension("statsbot_webhooks")
    await bot.add_cog(Failing())
    add_app_commands(bot)
    if NAME == "red":
        for name in ("slashfail", "panel"):
            await bot.enable_app_command(name)
        await bot.tree.red_check_enabled()
    await bot.tree.sync()


def robodanny() -> None:
    config = types.ModuleType("config")
    config.__dict__.update(client_id="1", carbon_key="", bots_key="", challonge_api_key="", stat_webhook=(1, "x"), token="")
    config.__dict__.update(dpy_github="", github_token="", stat_guild=1, open_collective_token="")
    sys.modules["config"] = config
    import bot as module  # type: ignore[import-not-found]
    import launcher  # type: ignore[import-not-found]

    # These ask the network at once, and try again at random times.
    module.initial_extensions = [name for name in module.initial_extensions if name not in _ASKING]

    class Bot(module.RoboDanny):
        async def setup_hook(self) -> None:
            await super().setup_hook()
            await prepare(self)

    async def run() -> None:
        # As `launcher.run_bot`, without the pool.
        async with Bot() as bot:
            bot.pool = None
            await discord.AutoShardedClient.start(bot, os.environ["DISCORD_TOKEN"], reconnect=True)

    with launcher.setup_logging():
        asyncio.run(run())


def modmail() -> None:
    os.environ.update(
        TOKEN=os.environ["DISCORD_TOKEN"],
        CONNECTION_URI="mongodb://x",
        LOG_URL="https://example.com",
    )
    import bot as module  # type: ignore[import-not-found]

    class Api:
        """Stands for the database, which is empty."""

        def __getattr__(self, name: str) -> Any:
            async def nothing(*_args: Any, **_kwargs: Any) -> Any:
                return {} if name == "get_config" else None

            return nothing

    class Bot(module.ModmailBot):
        @property
        def api(self) -> Any:
            return Api()

        async def setup_hook(self) -> None:
            await prepare(self)

        async def load_extensions(self) -> None:
            """Its cogs want the database."""

    Bot().run()


def red() -> None:
    from click.testing import CliRunner
    from redbot.setup import cli  # type: ignore[import-not-found]

    folder = os.path.join(os.getcwd(), "red-data")
    CliRunner().invoke(cli, ["--no-prompt", "--instance-name", "tested", "--data-path", folder, "--backend", "json"])
    from redbot import __main__ as start  # type: ignore[import-not-found]
    from redbot.core import bot as module  # type: ignore[import-not-found]

    before = module.Red.setup_hook

    async def setup_hook(self: Any) -> None:
        await before(self)
        await prepare(self)

    module.Red.setup_hook = setup_hook
    sys.argv = ["redbot", "tested", "--no-prompt", "--token", os.environ["DISCORD_TOKEN"], "--prefix", "?", "--no-cogs"]
    start.main()


{"robodanny": robodanny, "modmail": modmail, "red": red}[NAME]()
