"""What is going on: `status` and `tail`."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from ..delivery.worker import DestinationWorker
from ..events.accounting import DestinationStats
from ..events.colors import BLURPLE
from .base import Answer, Theme, checked, make_command, plain


class Overview(Theme):
    """Look, and change nothing."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        status = make_command("status", "Show the state of each destination", self.status)
        tail = make_command("tail", "Show the newest events of a destination, to you alone", self.tail)
        tail.autocomplete("destination")(self.complete_destination)
        return [status, tail]

    @checked
    async def status(self, interaction: discord.Interaction) -> Answer:
        manager = self.manager
        stats = await manager.stats()
        embed = discord.Embed(title="Webhook logging", color=BLURPLE)
        for number, (name, worker) in enumerate(manager.workers.items()):
            # 25 fields and 6000 characters are what an embed holds.
            if number == 20 or len(embed) > 4500:
                embed.add_field(name="…", value=f"and {len(manager.workers) - number} more destinations", inline=False)
                break
            embed.add_field(name=name, value=_state(worker, stats.destinations[name], self._choices(name)), inline=False)
        if not manager.workers:
            embed.description = "Off: no webhook URL is configured. `/webhooks setup` makes channels and webhooks."
        elif not manager.is_durable:
            embed.description = "The storage is memory: what waits is lost when the bot ends."
        elif not stats.balanced:
            embed.description = "The books do not balance: please report this."
        if len(manager.admin.overrides.mutes):
            embed.add_field(name="Muted", value=self._mutes(), inline=False)
        refused = self.desk.access.refused
        if refused:
            lines = ", ".join(f"{count} {reason.value}" for reason, count in refused.most_common())
            embed.add_field(name="Refused calls", value=lines, inline=False)
        return Answer(embed=embed)

    def _choices(self, name: str) -> str:
        level = self.manager.admin.overrides.levels.get(name)
        return "" if level is None else f"Level {level.value}, set by an admin"

    def _mutes(self) -> str:
        lines = [
            f"{mute.kind.value} {plain(mute.target, 60)} until <t:{int(mute.until)}:t> · {tally.count} so far"
            + (f" · {plain(mute.reason, 60)}" if mute.reason else "")
            for mute, tally in self.manager.admin.overrides.mutes
        ]
        more = f"\n… and {len(lines) - 5} more" if len(lines) > 5 else ""
        return "\n".join(lines[:5]) + more

    @checked
    @app_commands.describe(destination="Which one", count="How many, 10 when left out")
    async def tail(
        self, interaction: discord.Interaction, destination: str, count: app_commands.Range[int, 1, 20] = 10
    ) -> Answer | str:
        name = self.desk.destination(destination)
        seen = self.manager.admin.overrides.recent_events.newest(name, count)
        if not seen:
            return f"Nothing went to **{name}** since the bot started."
        lines = [
            f"<t:{int(each.event.time)}:T> `{each.event.level.value}` {plain(each.event.origin, 40)}: "
            f"{plain(each.event.message, 120)} `{each.fingerprint}`"
            for each in reversed(seen)
        ]
        return Answer(embed=discord.Embed(title=f"The newest of {name}", description="\n".join(lines)[:4096], color=BLURPLE))


def _state(worker: DestinationWorker, books: DestinationStats, choices: str) -> str:
    lost = ", ".join(f"{count} {reason.value}" for reason, count in books.lost.items() if count) or "0"
    muted = f" · muted {books.muted} events" if books.muted else ""
    lines = [
        f"State: **{worker.state.value}** · breaker {worker.breaker.state.value}",
        f"Pending {books.pending} · delivered {books.delivered} · folded {books.folded} · dead {books.dead} · lost {lost}",
        f"Requests {books.requests} · 429s {books.rate_limited}{muted}",
        *([choices] if choices else []),
        *([f"Last error: {plain(worker.last_error, 200)}"] if worker.last_error else []),
    ]
    return "\n".join(lines)
