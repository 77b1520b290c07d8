"""A bot that ends in the way that END names."""

from __future__ import annotations

import asyncio
import os

import discord
from discord.ext import commands

END = os.environ["END"]


def boom(path: str) -> None:
    raise RuntimeError(f"boom({path})")


class EndingBot(commands.Bot):
    async def setup_hook(self) -> None:
        if END == "extension":
            await self.load_extension("broken_extension")
        if END == "setup_hook":
            boom("setup_hook")

    async def on_ready(self) -> None:
        await self.close()


async def load(bot: commands.Bot) -> None:
    if os.environ.get("LOAD"):
        await bot.load_extension("statsbot_webhooks")


async def main() -> None:
    async with EndingBot("!", intents=discord.Intents.all()) as bot:
        await load(bot)
        await bot.start("not the token" if END == "token" else os.environ["DISCORD_TOKEN"])


async def careless() -> None:
    """This bot is not closed."""
    bot = EndingBot("!", intents=discord.Intents.all())
    await load(bot)
    boom("end of the program")


asyncio.run(careless() if END == "careless" else main())
