"""The smallest bot that ships everything that happens to it: load one extension, put the URLs into `.env`."""

import os

import discord
from discord import app_commands
from discord.ext import commands
from dotenv import load_dotenv

load_dotenv()


class Bot(commands.Bot):
    async def setup_hook(self) -> None:
        self.tree.add_command(broken)
        await self.load_extension("statsbot_webhooks")


intents = discord.Intents.default()
intents.members = True
intents.message_content = True
bot = Bot("!", intents=intents)


@bot.command()
async def divide(ctx: commands.Context[Bot], number: int) -> None:
    await ctx.send(f"{100 / number}")


@app_commands.command(description="Fails, to show what a failure looks like")
async def broken(interaction: discord.Interaction) -> None:
    raise RuntimeError("this command is broken")


@bot.event
async def on_message(message: discord.Message) -> None:
    if message.content == "trip":
        raise ValueError("an event handler failed")
    await bot.process_commands(message)


if __name__ == "__main__":
    bot.run(os.environ["DISCORD_TOKEN"], log_handler=None)
