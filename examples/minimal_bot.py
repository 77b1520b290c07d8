"""The smallest bot that ships everything that happens to it: one extension, four URLs in `.env`."""

import logging
import os

import discord
from discord.ext import commands
from dotenv import load_dotenv

load_dotenv()


class Bot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.load_extension("statsbot_webhooks")


bot = Bot("!", intents=discord.Intents.default() | discord.Intents(members=True, message_content=True))


@bot.command()
async def divide(ctx: commands.Context[Bot], number: int) -> None:
    await ctx.send(f"{100 / number}")


if __name__ == "__main__":
    bot.run(os.environ["DISCORD_TOKEN"], log_level=logging.WARNING, root_logger=True)
