"""The bot of `demo`: it has something of everything that can go wrong. It plays a user's bot and is run as a script."""

import logging
import os
import time

import discord
from discord.ext import commands

log = logging.getLogger("demo_bot")


class Bot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.load_extension("statsbot_webhooks")
        await self.tree.sync()


intents = discord.Intents.default() | discord.Intents(members=True, message_content=True)
# discord.py waits so long for further servers after the last one: by default two seconds, and here there is one.
bot = Bot("!", intents=intents, guild_ready_timeout=0.2)


@bot.command()
async def note(ctx: commands.Context[Bot], *, text: str) -> None:
    log.info("%s wrote a note: %s", ctx.author, text)


@bot.command()
async def burst(ctx: commands.Context[Bot], count: int) -> None:
    for number in range(count):
        log.warning("cache miss %d of %d", number + 1, count)


def rebuild_index() -> None:
    time.sleep(2)


@bot.command()
async def slow(ctx: commands.Context[Bot]) -> None:
    rebuild_index()


@bot.command()
async def divide(ctx: commands.Context[Bot], number: int) -> None:
    await ctx.send(f"{100 / number}")


@bot.tree.command(description="Fails, to show what a failure looks like")
async def broken(interaction: discord.Interaction) -> None:
    raise RuntimeError("this command is broken")


@bot.listen()
async def on_message(message: discord.Message) -> None:
    if message.content == "trip":
        raise ValueError("an event handler failed")


if __name__ == "__main__":
    bot.run(os.environ["DISCORD_TOKEN"], log_level=logging.WARNING, root_logger=True)
