"""Issues: `issues` lists them, `about` shows one, and `decide` is what both its options and the buttons do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import discord
from discord import app_commands

from ..delivery.card_states import describe_issue, describe_mute
from ..events.colors import BLURPLE
from ..events.time_text import format_count
from ..issues.decisions import Decision
from ..issues.issue import Issue, IssueState
from .base import Answer, Complaint, Theme, checked, make_command, plain

_LISTED: Final = 15
_STATES: Final = {"open": IssueState.OPEN, "acknowledged": IssueState.ACKNOWLEDGED, "resolved": IssueState.RESOLVED}
_Places = Mapping[str, tuple[int, int]]


class Issues(Theme):
    """Look at issues, and decide about them."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        issues = make_command("issues", "List the errors that are known, those seen last first", self.issues)
        about = make_command("about", "Show what is known about an error, and decide about it", self.about)
        about.autocomplete("issue")(self.complete_issue)
        return [issues, about]

    @checked
    @app_commands.describe(state="Only those of this state")
    async def issues(
        self, interaction: discord.Interaction, state: Literal["open", "acknowledged", "resolved"] | None = None
    ) -> Answer | str:
        found = await self.manager.admin.list_issues(None if state is None else _STATES[state])
        if not found:
            return f"No issue is {state}." if state else "No error has happened yet."
        lines = [await self._line(interaction, issue) for issue in found[:_LISTED]]
        if len(found) > _LISTED:
            lines.append(f"… and {len(found) - _LISTED} more")
        return Answer(embed=discord.Embed(title="Issues", description="\n".join(lines)[:4096], color=BLURPLE))

    async def _line(self, interaction: discord.Interaction, issue: Issue) -> str:
        places = await self.manager.admin.cards.places_of_issue(issue.fingerprint)
        name = f"[{issue.reference}]({link})" if (link := _link(interaction, places)) else f"`{issue.reference}`"
        state = "" if issue.state == IssueState.OPEN else f" · {issue.state.value}"
        return f"{name} ×{issue.count}{state} · <t:{int(issue.last)}:R> {plain(issue.title, 80)}"

    @checked
    @app_commands.describe(issue="Such as E-7F3A", decision="What you decide about it; nothing when left out")
    async def about(
        self,
        interaction: discord.Interaction,
        issue: str,
        decision: Literal["acknowledge", "resolve", "reopen"] | None = None,
    ) -> Answer | str:
        found = await self.manager.admin.find_issue(issue)
        if found is None:
            raise Complaint(f"There is no issue {plain(issue, 50)}. /webhooks issues lists them.")
        if decision is not None:
            wanted = {"acknowledge": IssueState.ACKNOWLEDGED, "resolve": IssueState.RESOLVED, "reopen": IssueState.OPEN}
            return await self.decide(interaction, found.fingerprint, wanted[decision])
        return Answer(embed=await self.describe(interaction, found))

    async def describe(self, interaction: discord.Interaction, issue: Issue) -> discord.Embed:
        """Return what is known of an issue."""
        embed = discord.Embed(title=f"{issue.reference}: {plain(issue.title, 200)}", color=BLURPLE)
        embed.description = f"State: **{describe_issue(issue)}**"
        seen = f"{format_count(issue.count, 'time')}, first <t:{int(issue.first)}:f>, last <t:{int(issue.last)}:R>"
        embed.add_field(name="Seen", value=f"{seen}{f', in version {plain(issue.seen_in, 30)}' if issue.seen_in else ''}")
        if issue.held:
            embed.add_field(name="Since it was resolved", value=f"{issue.held} more in versions that do not have the cure yet")
        mute = next((mute for mute, _ in self.manager.admin.overrides.mutes if mute.target == issue.fingerprint), None)
        if mute is not None:
            embed.add_field(name="Muted", value=f"{describe_mute(mute)} by {plain(mute.by, 60)}")
        if link := _link(interaction, await self.manager.admin.cards.places_of_issue(issue.fingerprint)):
            embed.add_field(name="Card", value=link)
        embed.set_footer(text=f"Fingerprint {issue.fingerprint}")
        return embed

    async def decide(self, interaction: discord.Interaction, fingerprint: str, state: IssueState) -> str:
        """Set the state of an issue, and say so; a state that it has already is told with who set it."""
        decided = await self.manager.admin.decide(fingerprint, state, self.runner.name_of(interaction.user))
        if decided is None:
            raise Complaint("This issue is not known any more.")
        issue, changed = decided
        if not changed:
            return f"**{issue.reference}** is already {describe_issue(issue)}."
        await self.runner.record(interaction, f"made {issue.reference} {issue.state.value}: {issue.title}")
        more = ""
        if state == IssueState.RESOLVED:
            later = " in a later version" if issue.version else ""
            more = f" When it comes{later} again, that is told as a regression."
        return f"**{issue.reference}** is {describe_issue(issue)}.{more}"

    async def acknowledge_alert(self, interaction: discord.Interaction, key: str, origin: str) -> str:
        """Acknowledge the alert of a card, and say so; one that is acknowledged already is told with who did so."""
        decision, is_new = await self.manager.admin.decide_card(
            key, Decision(self.runner.name_of(interaction.user), self.runner.clock.now())
        )
        if not is_new:
            return f"Already acknowledged by {plain(decision.by, 60)}, <t:{int(decision.since)}:t>."
        await self.runner.record(interaction, f"acknowledged the alert about {origin}")
        return "Acknowledged: the card is kept up to date, and nothing reminds of it."

    async def complete_issue(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """Offer the issues seen last."""
        if not self.manager.is_running:
            return []
        found = await self.manager.admin.list_issues()
        return await self.runner.offers(
            interaction, current, lambda: [(f"{issue.reference} {plain(issue.title, 70)}", issue.reference) for issue in found]
        )


def _link(interaction: discord.Interaction, places: _Places) -> str:
    """Return the address of the newest card, in the server of the call."""
    if not places or interaction.guild_id is None:
        return ""
    channel_id, message_id = max(places.values(), key=lambda place: place[1])
    return f"https://discord.com/channels/{interaction.guild_id}/{channel_id}/{message_id}"
