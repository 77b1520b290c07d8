"""One process of a bot that runs as several: all of them share a Redis, and one sends for all. `make demo-fleet` starts four."""

import asyncio
import logging
import os

import discord
from discord.ext import commands, tasks
from dotenv import load_dotenv

load_dotenv()
# Every process has the same settings, but for its name and its shards.
SHARDS, OF = os.environ.get("CLUSTER_SHARDS", "0"), int(os.environ.get("CLUSTER_SHARD_COUNT", "1"))
log = logging.getLogger("shop")


class Cluster(commands.AutoShardedBot):
    async def setup_hook(self) -> None:
        await self.load_extension("statsbot_webhooks")
        if "CLUSTER_STORM" in os.environ:
            self.fail.start()

    @tasks.loop(seconds=0.5)
    async def fail(self) -> None:
        """The same error in every process: it is one card, which says where it comes from and how often."""
        await asyncio.sleep(float(os.environ["CLUSTER_STORM"]) if self.fail.current_loop == 0 else 0)
        try:
            raise ConnectionError("the shop's database is away")
        except ConnectionError:
            log.exception("an order was not stored")


bot = Cluster(
    "!",
    intents=discord.Intents.default(),
    shard_ids=[int(number) for number in SHARDS.split(",")],
    shard_count=OF,
)


@bot.command()
async def ping(ctx: commands.Context[Cluster]) -> None:
    await ctx.send(f"pong from shard {ctx.guild.shard_id if ctx.guild else 0}")


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    async with bot:
        await bot.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    asyncio.run(main())
