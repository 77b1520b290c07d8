"""The pictures of the documents, made anew: `make pictures`.

A real bot in the sandbox fails, members join and leave, a manager sends the rest; Chromium photographs the sandbox's page.
It runs as `bot.py` in a folder of its own, because cards and files show the paths of what runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC
from pathlib import Path

import discord
import matplotlib.image
import numpy
from discord import app_commands
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alert, AlertState, Threshold
from statsbot_webhooks.capture.health.charts import Chart, draw_chart
from statsbot_webhooks.capture.health.daily_summary import DailySummary
from statsbot_webhooks.capture.health.time_series import TimeSeries
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")


async def photograph(sandbox: Sandbox, channel: str, target: Path, width: int = 860, height: int = 2600, above: int = 0) -> None:
    """Photograph a channel, and cut off what is empty below the newest message, and so many rows above the first."""
    url = f"{sandbox.base_url}/#channel={channel}"
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        size = f"--window-size={width},{height}"
        command = [CHROMIUM, *FLAGS, size, f"--user-data-dir={folder}/p", "--timeout=4000", f"--screenshot={shot}", url]
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        await asyncio.wait_for(process.wait(), 60)
        pixels = matplotlib.image.imread(shot)
    pixels = trimmed(trimmed(pixels[60:-76, 240:])[above:])
    matplotlib.image.imsave(target, numpy.ascontiguousarray(pixels))  # pyright: ignore[reportUnknownMemberType]
    print(f"{target.name}: {pixels.shape[1]} x {pixels.shape[0]}")


def trimmed(pixels: numpy.ndarray) -> numpy.ndarray:
    """Return a picture without the empty rows above and below its content."""
    drawn = numpy.flatnonzero((abs(pixels - pixels[0, 0]) > 0.02).any(axis=(1, 2)))
    return pixels[max(drawn[0] - 12, 0) : drawn[-1] + 12]


class Shop(commands.Cog):
    """A bot's command that fails."""

    @commands.command()
    async def divide(self, ctx: commands.Context[commands.Bot], first: int, second: int) -> None:
        """Divide."""
        await ctx.send(str(self.quotient(first, second)))

    def quotient(self, first: int, second: int) -> float:
        return first / second

    @app_commands.command()
    async def price(self, interaction: discord.Interaction, item: str) -> None:
        """Show a price."""
        prices = {"apple": 3}
        await interaction.response.send_message(str(prices[item]))


class Bot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.load_extension("statsbot_webhooks")
        await self.add_cog(Shop())
        await self.tree.sync()


@contextlib.asynccontextmanager
async def running_bot(sandbox: Sandbox, names: tuple[str, ...], **settings: str) -> AsyncGenerator[Bot]:
    """A real bot with the extension, whose four webhooks post to channels of these names."""
    before = dict(os.environ)
    for name, channel in zip(("error", "info", "performance", "member_events"), names, strict=True):
        os.environ[f"WEBHOOK_{name.upper()}_URL"] = sandbox.webhook_url(f"{channel}-{name}", channel)
    os.environ |= {"WEBHOOK_BATCH_TIMEOUT_SECONDS": "0.3", "WEBHOOK_ADMIN_GUILD_ID": str(sandbox.guild_id), **settings}
    bot = Bot("!", intents=discord.Intents.all(), guild_ready_timeout=0.2)
    running = asyncio.create_task(bot.start(sandbox.bot_token))
    await sandbox.wait_until(bot.is_ready, 20)
    try:
        yield bot
    finally:
        await bot.close()
        await running
        os.environ.clear()
        os.environ |= before


@contextlib.asynccontextmanager
async def running_manager(sandbox: Sandbox, channel: str, **settings: object) -> AsyncGenerator[WebhookManager]:
    config = WebhookConfig(info_webhook_url=sandbox.webhook_url(channel, channel), storage="memory://", **settings)  # type: ignore[arg-type]
    manager = WebhookManager(config)
    manager.host.set_bot_info("shop-bot", None)
    await manager.start()
    try:
        yield manager
    finally:
        await manager.flush(10)
        await manager.stop()


async def errors(sandbox: Sandbox) -> None:
    """An error of a command, a log record, repeats of a warning."""
    async with running_bot(sandbox, ("errors", "log", "log", "log"), WEBHOOK_LIFECYCLE="false"):
        mia = sandbox.join("mia")
        sandbox.say("!divide 1 0", author_id=mia)
        await sandbox.wait_until(lambda: sandbox.messages("errors"), 20)
        logging.getLogger("shop").error("the warehouse does not answer", extra={"warehouse": "north", "tries": 3})
        await sandbox.wait_until(lambda: len(sandbox.messages("errors")) > 1, 20)
        for _ in range(3):
            logging.getLogger("shop").warning("the price list is older than a day")
        await sandbox.wait_until(lambda: len(sandbox.messages("errors")) > 2, 20)


async def members(sandbox: Sandbox) -> None:
    """A join, a leave, a kick whose reason came late, a ban."""
    async with running_bot(sandbox, ("log2", "log2", "log2", "members"), WEBHOOK_LIFECYCLE="false"):
        old, leo, eve = (sandbox.join(name, account_age_days=700) for name in ("mia", "leo", "eve"))
        await sandbox.wait_until(lambda: "eve" in str([m.embeds for m in sandbox.messages("members")]), 20)
        sandbox.join("newbie", account_age_days=2)
        sandbox.leave(old)
        sandbox.kick(leo, sandbox.owner_id, "spam")
        sandbox.ban(eve, sandbox.owner_id, "raid")
        await asyncio.sleep(6)


async def raid(sandbox: Sandbox) -> None:
    """A raid of a few hundred joins."""
    async with running_bot(sandbox, ("log3", "log3", "log3", "raid"), WEBHOOK_LIFECYCLE="false"):
        for number in range(400):
            sandbox.join(f"raider{number:03}", account_age_days=0.2 + number % 3)
        await asyncio.sleep(12)


async def live_card(sandbox: Sandbox) -> None:
    """An error that happened 43 times in three servers."""
    frame = '> File "cogs/shop.py", line 31, in buy\n    return prices[item]\n'
    trace = f"Traceback (most recent call last):\n{frame}KeyError: 'apple'\n"
    async with running_manager(sandbox, "live-card", card_edit_seconds=0.5, batch_timeout_seconds=0.2) as manager:
        for number in range(43):
            context = {"command": "/buy", "guild": ("Garden", "Kitchen", "Attic")[number % 3], "user": "mia"}
            base = (EventKind.ERROR, LogLevel.ERROR, "KeyError: 'apple'", time.time(), "command /buy", context, trace)
            manager.submit(Event(*base, template="KeyError"))
            await asyncio.sleep(0.05)


async def presentations(sandbox: Sandbox) -> None:
    """Cards for a few events, lines for more, a digest for a flood."""
    words = ("opened", "closed", "paid", "sent", "returned", "packed")
    async with running_manager(sandbox, "presentations", batch_timeout_seconds=0.2) as manager:
        await manager.send_log(LogLevel.INFO, "The shop is open", server="Garden", version="1.2")
        await manager.flush(5)
        for number in range(14):
            text = f"order {words[number % 6]} by {('mia', 'leo', 'eve')[number % 3]} as {words[number % 5]}"
            manager.submit(Event(EventKind.LOG, LogLevel.INFO, text, time.time(), f"shop.{words[number % 6]}"))
        await manager.flush(5)
        for number in range(3000):
            level = (LogLevel.INFO, LogLevel.INFO, LogLevel.WARNING)[number % 3]
            text = f"the {words[number % 6]} parcel is {words[number % 5]}"
            manager.submit(Event(EventKind.LOG, level, text, time.time(), f"shop.{words[number % 4]}"))
        await manager.flush(20)


async def alerts(sandbox: Sandbox) -> None:
    """An alert that is over, and one that lasts."""
    now = time.time()
    points = [(now - 1800 + 10 * n, 380 + 280 * math.exp(-(((n - 120) / 18) ** 2)) + 8 * math.sin(n)) for n in range(180)]
    limit = Threshold(512.0, 1024.0)
    lasting = [(now - 1800 + 10 * n, 24 + (66 if n > 150 else 0) + 3 * math.sin(n)) for n in range(180)]
    async with running_manager(
        sandbox, "alerts", batch_timeout_seconds=0.2, performance_webhook_url=sandbox.webhook_url("p", "alerts")
    ) as manager:
        over = ("memory_mb", AlertState.OVER, LogLevel.WARNING, LogLevel.WARNING, 392.0, 668.0, now - 600, now - 750, now, limit)
        chart = await draw_chart([Chart("memory_mb", points, 512.0, 1024.0)], UTC)
        manager.submit(alert_event(Alert(*over), {"cpu_percent": 21.0, "tasks": 34.0}, chart=chart))
        await manager.flush(5)
        cpu = Threshold(80.0, 95.0)
        high = ("cpu_percent", AlertState.OPENED, LogLevel.WARNING, LogLevel.WARNING, 91.0, 93.0, now - 60, now - 300, now, cpu)
        chart = await draw_chart([Chart("cpu_percent", lasting, 80.0, 95.0)], UTC)
        manager.submit(alert_event(Alert(*high), {"memory_mb": 402.0, "tasks": 41.0}, chart=chart))


async def summary(sandbox: Sandbox) -> None:
    """A day in one card."""
    now = time.time()
    ring = TimeSeries(30)
    for number in range(2880):
        day = math.sin(number / 2880 * 2 * math.pi)
        sample = {"cpu_percent": 30 + 18 * day, "memory_mb": 300 + number / 40, "members": 1000.0 + number // 200}
        ring.add(now - 86400 + number * 30, {**sample, "gateway_latency_ms": 90 + 25 * day, "loop_lag_ms": 2 + abs(day)})
    other = sandbox.webhook_url("log4", "log4")
    async with running_manager(sandbox, "summary", batch_timeout_seconds=0.2, error_webhook_url=other) as manager:
        daily = DailySummary(manager.submit, ring, hour=0, zone=UTC, stats=manager.stats, take_tally=manager.host.take_tally)
        await daily.tick(now - 86400)
        for number in range(300):
            await manager.send_log(LogLevel.WARNING, f"order {number} of the day")
        await manager.flush(20)
        # Due at midnight: that of the day before, for which there are samples.
        await daily.tick(now)


# The head of a channel's page, and the line with the date.
_HEAD = 200


async def press(sandbox: Sandbox, label: str) -> None:
    """Press a button of the newest card, and wait until the card says so."""
    message = sandbox.messages("issue")[-1]
    items = [item for row in message.raw["components"] for item in row["components"]]
    await sandbox.click(message, next(item["custom_id"] for item in items if item["label"] == label))
    before = message.content
    await sandbox.wait_until(lambda: sandbox.messages("issue")[-1].content != before, 20)
    await asyncio.sleep(2)


async def issue(sandbox: Sandbox, folder: Path) -> None:
    """The life of an issue, a picture of each state: new, acknowledged, resolved, and back in a later version."""
    sandbox.webhook_url("issue-error", "issue", owned=True)
    mia = sandbox.join("mia")
    for count, version in enumerate(("1.1", "1.2"), 1):
        settings = {
            "WEBHOOK_LIFECYCLE": "false", "WEBHOOK_BOT_VERSION": version, "WEBHOOK_CARD_EDIT_SECONDS": "0.1",
            # Not the file of the other pictures, in which the error is known.
            "WEBHOOK_STORAGE": "sqlite:///issue.sqlite3",
        }  # fmt: skip
        async with running_bot(sandbox, ("issue", "log4", "log4", "log4"), **settings):
            sandbox.say("!divide 1 0", author_id=mia)
            await sandbox.wait_until(lambda count=count: len(sandbox.messages("issue")) == count, 20)
            await sandbox.wait_until(lambda: sandbox.messages("issue")[-1].raw["components"], 20)
            if version == "1.2":
                first, last = sandbox.messages("issue")
                assert "Regression" in last.content
                sandbox.delete(first)
                await photograph(sandbox, "issue", folder / "issue_regression.png", above=_HEAD)
                return
            await photograph(sandbox, "issue", folder / "issue_new.png", above=_HEAD)
            await press(sandbox, "Acknowledge")
            await photograph(sandbox, "issue", folder / "issue_acknowledged.png", above=_HEAD)
            await press(sandbox, "Resolve")
            await photograph(sandbox, "issue", folder / "issue_resolved.png", above=_HEAD)


def rebuild_index() -> None:
    """Block the event loop."""
    time.sleep(3)


async def bot_cards(sandbox: Sandbox) -> None:
    """A wrong setting, the start, a blocked event loop, an outage of a webhook and its end, another server."""
    settings = {
        "WEBHOOK_BOT_VERSION": "1.4",
        "WEBHOOK_BATCH_SIZE": "lots",
        "WEBHOOK_BREAKER_FAILURES": "1",
        "WEBHOOK_BREAKER_COOLDOWN_SECONDS": "2",
    }
    async with running_bot(sandbox, ("bot", "bot", "bot", "log5"), WEBHOOK_LIFECYCLE="true", **settings):
        await sandbox.wait_until(lambda: "Online" in shown(sandbox, "bot"), 20)
        rebuild_index()
        await sandbox.wait_until(lambda: "was blocked" in shown(sandbox, "bot"), 20)
        sandbox.fault("bot-info", "500")
        sandbox.add_guild("Garden")
        await sandbox.wait_until(lambda: "does not work" in shown(sandbox, "bot"), 60)
        sandbox.heal("bot-info")
        await sandbox.wait_until(lambda: "works again" in shown(sandbox, "bot") and "Garden" in shown(sandbox, "bot"), 60)


def shown(sandbox: Sandbox, channel: str) -> str:
    return "\n".join(message.text for message in sandbox.messages(channel))


STORIES = {"issue": issue}
CHANNELS: dict[str, tuple[Callable[[Sandbox], Awaitable[None]], str]] = {
    "errors": (errors, "errors.png"),
    "members": (members, "members.png"),
    "raid": (raid, "raid.png"),
    "live-card": (live_card, "live_card.png"),
    "presentations": (presentations, "presentations.png"),
    "alerts": (alerts, "alert.png"),
    "summary": (summary, "summary.png"),
    "bot": (bot_cards, "bot.png"),
}


async def main(folder: Path) -> None:
    if not CHROMIUM:
        raise SystemExit("no Chromium on PATH: the pictures are photographs of a page in a browser")
    wanted = sys.argv[2:] or [*CHANNELS, *STORIES]
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        async with Sandbox() as sandbox:
            with sandbox.redirect():
                for channel in wanted:
                    if channel in STORIES:
                        await STORIES[channel](sandbox, folder)
                        continue
                    make, name = CHANNELS[channel]
                    await make(sandbox)
                    await photograph(sandbox, channel, folder / name)


def run_as_bot(folder: Path) -> None:
    """Run this script again, as a bot beside its packages: no path of this machine is in the pictures."""
    home = Path(tempfile.gettempdir(), "shop")
    packages = home / "site-packages"
    shutil.rmtree(home, ignore_errors=True)
    packages.mkdir(parents=True)
    for found in (*Path(discord.__file__).parents[1].iterdir(), HERE.parent / "statsbot_webhooks"):
        if not (packages / found.name).exists():
            (packages / found.name).symlink_to(found)
    script = shutil.copy(__file__, home / "bot.py")
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    os.execve(sys.executable, [sys.executable, script, str(folder), *sys.argv[2:]], environment)


if __name__ == "__main__":
    target = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else HERE
    if HERE.name == "shop":
        asyncio.run(main(target))
    else:
        run_as_bot(target)
