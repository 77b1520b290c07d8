"""`demo`: the main job in a local Discord, 15 seconds of a bot's life by a script; a table says what arrived."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
import tempfile
from pathlib import Path
from typing import IO

from ..clock import SystemClock
from ..config.destination import BUILT_IN
from ..events.time_text import format_count
from ..sandbox import InteractionResult, Sandbox
from . import terminal
from .local_bot import end_bot, start_bot

_EXAMPLE = Path(__file__).with_name("demo_bot.py")
_CLOCK = SystemClock()
_HELP = """examples:
  statsbot-webhooks demo               15 seconds of the bot's life; on a terminal the page stays open until Ctrl-C

exit codes: 0 everything arrived, 1 something did not"""
_COUNTS = re.compile(
    r"Pending (\d+) · delivered (\d+) · folded into repeats (\d+) · refused by Discord (\d+) · lost ([^\n·]*)[^\n]*\n"
    r"Requests (\d+), of them rate limited (\d+)"
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    commands.add_parser(
        "demo",
        help="show 15 seconds of a bot's life in a local Discord: nothing is needed, and nothing leaves this machine",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).set_defaults(run=run)


def run(_options: argparse.Namespace) -> int:
    """Run the demo; 0 when everything arrived."""
    return asyncio.run(_demo())


class _Demo:
    """A part of the life of a bot, by a script."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._started = _CLOCK.monotonic()
        self._happened: list[tuple[str, int]] = []

    def _say(self, text: str) -> None:
        print(f"{_CLOCK.monotonic() - self._started:5.1f} s  {text}", flush=True)

    def _happens(self, kind: str, text: str, count: int = 1) -> None:
        self._happened.append((kind, count))
        self._say(text)

    async def live(self) -> None:
        """Let things happen to the bot."""
        sandbox = self._sandbox
        self._happens("member", "anna, bob, carl and dora join", 4)
        ids = [sandbox.join(name, account_age_days=days) for name, days in _PEOPLE]
        self._happens("log", "three info logs", 3)
        for text in ("the shop opens", "42 orders so far", "backup finished"):
            sandbox.say(f"!note {text}")
        await _CLOCK.sleep(1)
        self._happens("member", "anna leaves, bob is banned for spam", 2)
        sandbox.leave(ids[0])
        sandbox.ban(ids[1], reason="spam links")
        self._happens("error", "a prefix command, a slash command and an event handler fail", 3)
        sandbox.say("!divide 0")
        sandbox.say("trip")
        await sandbox.invoke("broken", timeout=0.5)
        await _CLOCK.sleep(2)
        self._happens("error", "the same command fails 12 times more: one live card counts them", 12)
        for _ in range(12):
            sandbox.say("!divide 0")
        self._happens("member", f"a raid: {_RAID} accounts that are hours old join at once")
        raid = [sandbox.join(f"xX_{number:02}_Xx", account_age_days=0.1) for number in range(_RAID)]
        self._happens("log", "a burst of 150 warnings: digests with every line in a file", 150)
        sandbox.say("!burst 150")
        self._happens("performance", "a command blocks the event loop for 2 s")
        sandbox.say("!slow")
        await _CLOCK.sleep(3)
        self._say("the info webhook answers 500 for six seconds")
        sandbox.fault("info", "500", seconds=6)
        self._happens("log", "five info logs during the outage", 5)
        for number in range(5):
            sandbox.say(f"!note order {number + 1} of the outage")
        await _CLOCK.sleep(4)
        self._happens("member", "a moderator bans one of the raid")
        sandbox.ban(raid[0], sandbox.admin_id, "raid")
        await _CLOCK.sleep(3)
        self._say("the outage is over")

    async def settle(self, seconds: float) -> InteractionResult | None:
        """Wait until nothing is pending any more; returns the last `/webhooks status`."""
        answer: InteractionResult | None = None
        until = _CLOCK.monotonic() + seconds
        while _CLOCK.monotonic() < until:
            terminal.show_progress("Waiting until everything has arrived ...")
            answer = await self._sandbox.invoke("webhooks status")
            if sum(int(found[1]) for found in _COUNTS.finditer(answer.text)) == 0:
                return answer
            await _CLOCK.sleep(1)
        return answer

    def report(self, answer: InteractionResult | None) -> int:
        """Print the table; returns the exit code."""
        terminal.show_progress("")
        kinds: dict[str, int] = {}
        for kind, count in self._happened:
            kinds[kind] = kinds.get(kind, 0) + count
        print("\nwhat happened     " + " · ".join(format_count(count, _NAMES[kind]) for kind, count in kinds.items()))
        for name in BUILT_IN:
            messages = format_count(len(self._sandbox.messages(name)), "message")
            print(f"#{name:<16} {messages:>{len(messages.lstrip('0123456789')) + 4}}")
        counts = list(_COUNTS.finditer(answer.text)) if answer is not None else []
        pending, delivered, folded, dead = (sum(int(found[i]) for found in counts) for i in (1, 2, 3, 4))
        lost = sum(found[5].strip() != "0" for found in counts)
        limited = self._sandbox.count_status(429)
        print(f"events delivered  {delivered:4} · folded {folded} · pending {pending} · dead {dead} · lost {lost}")
        print(f"requests          {sum(int(found[6]) for found in counts):4} · 429s {limited}")
        is_there = delivered + folded >= sum(kinds.values())
        is_complete = bool(counts) and is_there and not (pending or dead or lost or limited)
        print("nothing lost, nothing limited" if is_complete else "NOT everything arrived")
        return 0 if is_complete else 1


_NAMES = {"member": "member event", "log": "log record", "error": "error", "performance": "alert"}
_RAID = 24
_PEOPLE = (("anna", 400), ("bob", 2), ("carl", 90), ("dora", 1200))


async def _is_up(sandbox: Sandbox, bot: asyncio.subprocess.Process) -> bool:
    """Whether the bot has registered its commands, before it ended or half a minute was over."""

    def is_ready() -> bool:
        return bool(sandbox.commands(sandbox.guild_id) and sandbox.commands())

    since = _CLOCK.monotonic()
    try:
        while bot.returncode is None and not is_ready() and (waited := _CLOCK.monotonic() - since) < 30:
            terminal.show_progress(f"The bot starts and logs in ... {waited:.0f} s")
            with contextlib.suppress(TimeoutError):
                await sandbox.wait_until(lambda: bot.returncode is not None or is_ready(), 0.5)
    finally:
        terminal.show_progress("")
    return is_ready()


def _output_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", "replace")[-5000:]


async def _demo() -> int:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        async with Sandbox() as sandbox:
            print(f"A local Discord is at {sandbox.base_url}/?all=1", flush=True)
            extra = {
                "WEBHOOK_LOGGERS": "demo_bot:INFO",
                "WEBHOOK_BATCH_TIMEOUT": "2",
                "WEBHOOK_SAMPLE_INTERVAL_SECONDS": "2",
                # The outage lasts six seconds; by default a failing webhook is left alone for half a minute.
                "WEBHOOK_BREAKER_COOLDOWN_SECONDS": "3",
            }
            bot = await start_bot(sandbox, _EXAMPLE, extra, folder, output)
            try:
                if not await _is_up(sandbox, bot):
                    print("the bot did not start; what it said:\n" + _output_of(output), file=sys.stderr)
                    return 1
                demo = _Demo(sandbox)
                await demo.live()
                code = demo.report(await demo.settle(30))
                if code:
                    print("\nThe bot's own output:\n" + _output_of(output))
                if sys.stdin.isatty() and sys.stdout.isatty():
                    print(f"\nLook at the channels: {sandbox.base_url}/?all=1   (Ctrl-C ends it)", flush=True)
                    await bot.wait()
            finally:
                await end_bot(bot)
    return code
