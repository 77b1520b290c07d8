"""A small shop's bot: a note, a price with a button and a form, a greeting. Its tests are beside it, in `tests/`."""

import logging
import os

import discord
from discord import app_commands
from discord.ext import commands

log = logging.getLogger("shop_bot")
PRICES = {"apple": 2, "pear": 3, "plum": 1}


class OrderForm(discord.ui.Modal, title="Your order"):
    address: discord.ui.TextInput["OrderForm"] = discord.ui.TextInput(label="Address", min_length=3)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        log.info("an order to %s", self.address.value)
        await interaction.response.send_message(f"On its way to {self.address.value}!", ephemeral=True)


class OrderView(discord.ui.View):
    @discord.ui.button(label="Order", style=discord.ButtonStyle.success, custom_id="order")
    async def order(self, interaction: discord.Interaction, _button: discord.ui.Button["OrderView"]) -> None:
        await interaction.response.send_modal(OrderForm())


@app_commands.command(description="What something costs")
@app_commands.describe(item="What you want", count="How many")
async def price(interaction: discord.Interaction, item: str, count: app_commands.Range[int, 1, 99] = 1) -> None:
    if item not in PRICES:
        await interaction.response.send_message(f"We have no {item}.", ephemeral=True)
        return
    await interaction.response.send_message(f"{count} x {item}: {count * PRICES[item]} coins", view=OrderView())


@price.autocomplete("item")
async def items(_interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=name, value=name) for name in PRICES if name.startswith(current.lower())]


class ShopBot(commands.Bot):
    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents.default() | discord.Intents(members=True, message_content=True))
        self.add_command(note)
        self.tree.add_command(price)

    async def setup_hook(self) -> None:
        await self.load_extension("statsbot_webhooks")
        await self.tree.sync()

    async def on_member_join(self, member: discord.Member) -> None:
        await member.send(f"Welcome to {member.guild.name}, {member.name}!")


@commands.command()
async def note(ctx: commands.Context[ShopBot], *, text: str) -> None:
    log.info("a note of %s: %s", ctx.author, text)
    await ctx.message.add_reaction("📝")


if __name__ == "__main__":
    ShopBot().run(os.environ["DISCORD_TOKEN"], log_level=logging.INFO, root_logger=True)
