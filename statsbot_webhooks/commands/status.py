"""What is going on: `status` and `tail`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import app_commands

from ..delivery.destination_health import DestinationState
from ..delivery.worker import DestinationWorker
from ..events.accounting import DestinationStats
from ..events.colors import BLURPLE
from ..events.time_text import format_count
from .base import Answer, Theme, checked, make_command, plain

_WHAT_TO_DO: Final[Mapping[DestinationState, str]] = {
    DestinationState.FAILING: "Nothing: its events wait, and it is tried again by itself. `/webhooks test` tries it now.",
    DestinationState.GONE: "Run `/webhooks setup`, or put an existing webhook's URL into {setting} and run `/webhooks reload`.",
    DestinationState.OFF: "`/webhooks toggle` switches it on again; its events wait.",
    DestinationState.HELD: "Put the setting right, then `/webhooks reload`; events wait.",
}
# A field holds 1024 characters.
_PROCESSES_LENGTH: Final = 1000


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
            embed.description = "The counts of events do not add up. That is a fault of this package: please report it."
        if lines := await self._processes():
            embed.add_field(name="Processes", value=lines, inline=False)
        if len(manager.admin.overrides.mutes):
            embed.add_field(name="Muted", value=self._mutes(), inline=False)
        refused = self.runner.access.refused
        if refused:
            lines = ", ".join(f"{count} {reason.value}" for reason, count in refused.most_common())
            embed.add_field(name="Refused calls", value=lines, inline=False)
        if redacted := manager.admin.redacted:
            embed.add_field(name="Redacted", value=_by_rule(redacted), inline=False)
        return Answer(embed=embed)

    async def _processes(self) -> str:
        members, backlog = await self.manager.admin.members()
        if len(members) < 2:
            return ""
        waiting = sum(backlog.values())
        events = format_count(waiting, "event of all processes waits", "events of all processes wait")
        lines = [f"{events}; the counts above are of this process"]
        for member in members:
            facts = [
                f"shards {plain(member.shards, 60)}" if member.shards else "",
                plain(member.version, 64),
                f"seen {member.seen:.0f} s ago",
                f"{member.waiting} wait in its own file" if member.waiting else "",
                "**sends for all**" if member.is_sender else "",
            ]
            lines.append(f"{plain(member.name, 48)} on {plain(member.host, 40)} · {' · '.join(filter(None, facts))}")
        shown = next(count for count in range(9, 0, -1) if len("\n".join(lines[:count])) <= _PROCESSES_LENGTH)
        more = f"\n… and {len(lines) - shown} more" if len(lines) > shown else ""
        return "\n".join(lines[:shown]) + more

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
        name = self.runner.destination(destination)
        seen = self.manager.admin.overrides.recent_events.newest(name, count)
        if not seen:
            return f"Nothing went to **{name}** since the bot started."
        lines = [
            f"<t:{int(each.event.time)}:T> `{each.event.level.value}` {plain(each.event.origin, 40)}: "
            f"{plain(each.event.message, 120)} `{each.fingerprint}`"
            for each in reversed(seen)
        ]
        return Answer(embed=discord.Embed(title=f"The newest of {name}", description="\n".join(lines)[:4096], color=BLURPLE))


def _state(worker: DestinationWorker, counts: DestinationStats, choices: str) -> str:
    """Say where a destination's messages go, how it is, and if something is wrong, what and what to do."""
    where = f" in <#{worker.channel_id}>" if worker.channel_id is not None else ""
    last = "none since the start" if worker.delivered_at is None else f"<t:{int(worker.delivered_at)}:R>"
    lost = ", ".join(f"{count} {reason.value}" for reason, count in counts.lost.items() if count) or "0"
    lines = [
        f"State: **{worker.state.value}**{where} · last delivery {last}",
        f"Pending {counts.pending} · delivered {counts.delivered} · folded into repeats {counts.folded}"
        f" · refused by Discord {counts.dead} · lost {lost}" + (f" · muted {counts.muted}" if counts.muted else ""),
        f"Requests {counts.requests}, of them rate limited {counts.rate_limited}",
        *([choices] if choices else []),
    ]
    if worker.hold_reason:
        lines.append(f"What is wrong: {worker.hold_reason}")
    elif worker.last_error and worker.state in (DestinationState.FAILING, DestinationState.GONE):
        next_try = "" if worker.next_try_at is None else f" · next try <t:{int(worker.next_try_at)}:R>"
        lines.append(f"Last error: {plain(worker.last_error, 200)}{next_try}")
    if worker.state in _WHAT_TO_DO:
        lines.append("What to do: " + _WHAT_TO_DO[worker.state].format(setting=f"`{worker.destination.setting}`"))
    if counts.dead:
        lines.append("`/webhooks deadletters` shows what Discord refused.")
    return "\n".join(lines)


def _by_rule(counts: Mapping[str, int]) -> str:
    """Return how often each rule redacted something, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ranked) - 12} other rules" if len(ranked) > 12 else ""
    return ", ".join(f"{rule} {count:,}" for rule, count in ranked[:12]) + more
