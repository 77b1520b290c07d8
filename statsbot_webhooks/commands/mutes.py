"""What is kept back for a while: `mute` and `unmute`."""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import app_commands

from ..events.time_text import format_exact_span
from ..issues.fingerprint import FINGERPRINT, OLD_FINGERPRINT
from ..pipeline.mutes import MAX_SECONDS, Mute, MuteKind, format_summary, parse_duration
from .base import Complaint, Theme, checked, make_command, plain
from .delivery import logger_names

_NEXT_VERSION = "next version"
_DURATIONS = ("10m", "30m", "1h", "6h", "24h", "7d", "more than 10 an hour", _NEXT_VERSION)
_WORSE = re.compile(r"(?:until )?more than (\d{1,6})(?: an hour| in an hour|/h)?\Z")


class Muting(Theme):
    """Begin and end mutes."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        mute = make_command("mute", "Keep a destination, an event or a logger quiet for a while", self.mute)
        unmute = make_command("unmute", "End a mute before its time", self.unmute)
        mute.autocomplete("target")(self.complete_target)
        mute.autocomplete("duration")(self.complete_duration)
        unmute.autocomplete("target")(self.complete_mute)
        return [mute, unmute]

    @checked
    @app_commands.describe(
        target="A destination, an issue such as E-7F3A, a fingerprint, or a logger with those below it",
        duration="Such as 10m, 1h 30m or 2d; or until more than 10 an hour, or until the next version",
        reason="Shown with the summary when the mute ends",
    )
    async def mute(
        self,
        interaction: discord.Interaction,
        target: str,
        duration: str,
        reason: app_commands.Range[str, 1, 200] | None = None,
    ) -> str:
        kind, name = self._target(target)
        if name.upper().startswith("E-") and (issue := await self.manager.admin.find_issue(name)) is not None:
            kind, name = MuteKind.FINGERPRINT, issue.fingerprint
        wanted = duration.strip().lower()
        if match := _WORSE.match(wanted):
            return await self.begin(interaction, kind, name, MAX_SECONDS, reason or "", above=int(match[1]))
        if wanted == _NEXT_VERSION:
            version = self.manager.config.bot_version
            if not version:
                raise Complaint("The bot does not say its version: set WEBHOOK_BOT_VERSION.")
            return await self.begin(interaction, kind, name, MAX_SECONDS, reason or "", version=version)
        try:
            seconds = parse_duration(duration)
        except ValueError as error:
            raise Complaint(plain(f"{error}; or: more than 10 an hour, next version", 250)) from None
        return await self.begin(interaction, kind, name, seconds, reason or "")

    async def begin(
        self, interaction: discord.Interaction, kind: MuteKind, name: str, seconds: float, reason: str, *, above: int = 0,
        version: str = "",
    ) -> str:  # fmt: skip
        """Begin a mute, and say so. It ends earlier when more than `above` come within an hour, or after this version."""
        now, reason = self.runner.clock.now(), self.runner.clean_text(interaction.user, reason)
        mute = Mute(kind, name, now + seconds, now, reason, self.runner.name_of(interaction.user), above, version)
        await self.manager.admin.mute(mute)
        why = f", reason: {reason}" if reason else ""
        how = f"until {_until(mute)}" if above or version else f"for {format_exact_span(seconds)}"
        await self.runner.record(interaction, f"muted {kind.value} {name} {how}{why}")
        return f"{kind.value.capitalize()} **{plain(name, 80)}** is muted until {_until(mute)}."

    def _target(self, target: str) -> tuple[MuteKind, str]:
        sort, separator, name = target.strip().partition("/")
        if separator and sort in list(MuteKind) and name:
            kind = MuteKind(sort)
            return kind, self.runner.destination(name) if kind == MuteKind.DESTINATION else name
        name = target.strip()
        if not name:
            raise Complaint("Name a destination, a fingerprint or a logger.")
        if name in self.manager.workers:
            return MuteKind.DESTINATION, name
        is_event = FINGERPRINT.match(name) or OLD_FINGERPRINT.match(name)
        return (MuteKind.FINGERPRINT if is_event else MuteKind.LOGGER), name

    @checked
    @app_commands.describe(target="Which mute")
    async def unmute(self, interaction: discord.Interaction, target: str) -> str:
        keys = {mute.key for mute, _ in self.manager.admin.overrides.mutes}
        key = next((each for each in keys if target.strip() in (each, each.partition("/")[2])), target)
        return await self.end(interaction, key)

    async def end(self, interaction: discord.Interaction, key: str) -> str:
        """End a mute, and say what it kept back; raises `Complaint` when there is none of that key."""
        ended = await self.manager.admin.unmute(key)
        if ended is None:
            raise Complaint(f"{plain(key.partition('/')[2] or key, 80)} is not muted.")
        mute, tally = ended
        await self.runner.record(interaction, f"ended a mute. {format_summary(mute, tally, self.runner.clock.now())}")
        return plain(format_summary(mute, tally, self.runner.clock.now()), 1900)

    async def complete_target(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer the destinations, what was shown last, and the loggers."""

        def choices() -> list[tuple[str, str]]:
            found = [(f"destination {name}", f"destination/{name}") for name in self.manager.workers]
            for seen in self.manager.admin.overrides.recent_events.all()[:15]:
                text = plain(seen.event.message, 50)
                found.append((f"event {seen.event.level.value} {text}", f"fingerprint/{seen.fingerprint}"))
            return found + [(f"logger {name}", f"logger/{name}") for name in logger_names()]

        return await self.runner.offers(interaction, current, choices)

    async def complete_duration(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer usual durations, and what was typed if it is one."""

        def choices() -> list[tuple[str, str]]:
            typed = current.strip()
            try:
                return [(format_exact_span(parse_duration(typed)), typed), *((text, text) for text in _DURATIONS)]
            except ValueError:
                return [(text, text) for text in _DURATIONS]

        return await self.runner.offers(interaction, current, choices)

    async def complete_mute(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer the mutes that hold."""

        def choices() -> list[tuple[str, str]]:
            return [
                (f"{mute.kind.value} {mute.target} ({tally.count} so far)", mute.key)
                for mute, tally in self.manager.admin.overrides.mutes
            ]

        return await self.runner.offers(interaction, current, choices)


def _until(mute: Mute) -> str:
    if mute.above:
        return f"more than {mute.above} come within an hour"
    return f"another version than {plain(mute.version, 30)} runs" if mute.version else f"<t:{int(mute.until)}:f>"
