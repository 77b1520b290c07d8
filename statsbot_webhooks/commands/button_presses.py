"""The buttons on cards: every press is checked like a command, answered to the presser alone, and shown on the card.

What a button does is what the command of the same name does; which buttons a card has is decided in `delivery/card_states.py`.
Presses come in by a listener of our own, for the bot's views are the host's.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Final, cast

import discord

from ..delivery.button_ids import PREFIX, Press, card_target
from ..delivery.button_view import make_view
from ..delivery.card_states import describe_mute
from ..events.event import Event
from ..issues.buttons import STATES, Verb, worse_than
from ..issues.decisions import Decision
from ..pipeline.mutes import MAX_SECONDS, Mute, MuteKind
from .base import Answer, CommandRunner, Complaint, plain
from .issues import Issues
from .mutes import Muting
from .permissions import Denial

_HOUR: Final = 3600.0
# Discord waits for three seconds.
_OTHERS_SECONDS: Final = 1.0
_FORGED: Final = "This button was not made by this bot and this storage. /webhooks issues lists what is known."
_GONE: Final = "What this card shows is not known any more."


class CardPresses:
    """Serve presses. `press` is a listener of the bot's `interaction` event."""

    def __init__(self, runner: CommandRunner, muting: Muting, issues: Issues) -> None:
        self._runner = runner
        self._muting = muting
        self._issues = issues

    async def press(self, interaction: discord.Interaction) -> None:
        """Answer a pressed button of a card; every other interaction is the host's."""
        custom_id = str((interaction.data or {}).get("custom_id", ""))
        if interaction.type != discord.InteractionType.component or not custom_id.startswith(PREFIX):
            return
        place = _webhook_of(interaction), interaction.application_id
        if not self._runner.manager.admin.cards.is_genuine(custom_id, *place):
            # Another process of this bot, with a storage of its own, may have made it: that one answers then.
            await self._runner.clock.sleep(_OTHERS_SECONDS)
        await self._runner.serve(interaction, lambda: self._act(interaction, custom_id), is_on_card=True)

    async def _act(self, interaction: discord.Interaction, custom_id: str) -> Answer | str:
        message, admin = interaction.message, self._runner.manager.admin
        webhook_id = _webhook_of(interaction)
        press = await admin.cards.read_press(custom_id, webhook_id, interaction.application_id)
        if press is None or message is None:
            self._runner.access.refuse(Denial.FORGED)
            raise Complaint(_FORGED)
        if press.verb == Verb.CHOOSE:
            return await self._show_issue(interaction)
        found = await admin.cards.find_pressed(message.id)
        key, event = found or (f"error-{press.target}", None)
        try:
            if press.target.startswith("c-"):
                if event is None or card_target(key) != press.target:
                    raise Complaint(_GONE)
                return await self._decide_card(interaction, press, key, event)
            key = f"error-{press.target}"
            if event is not None and event.fingerprint == press.target:
                await admin.restore_issue(event)
            return await self._decide_issue(interaction, press)
        finally:
            # Also when nothing was done: then the card did not show yet what was done before.
            await self._show(interaction, key, event, webhook_id)

    async def _show_issue(self, interaction: discord.Interaction) -> Answer:
        """Answer with the issue that was chosen of a message of many, and with the buttons that its own card has."""
        chosen = cast("list[str]", (interaction.data or {}).get("values", []))
        issue = await self._runner.manager.admin.find_issue(chosen[0]) if len(chosen) == 1 else None
        if issue is None:
            raise Complaint(_GONE)
        # Discord gives a message that answers an interaction the application's id in the place of a webhook's.
        application_id = interaction.application_id
        shown = self._runner.manager.admin.cards.answer_to_press(
            f"error-{issue.fingerprint}", None, application_id, application_id
        )
        view = make_view(shown.buttons) if shown.buttons else None
        return Answer(shown.content or "", embed=await self._issues.describe(interaction, issue), view=view)

    async def _show(self, interaction: discord.Interaction, key: str, event: Event | None, webhook_id: int) -> None:
        """Let the pressed message show the state of what it is about."""
        shown = self._runner.manager.admin.cards.answer_to_press(key, event, webhook_id, interaction.application_id)
        # The webhook edits its card too; a message that was deleted meanwhile must not keep the presser from an answer.
        with contextlib.suppress(discord.HTTPException):
            await interaction.edit_original_response(
                content=shown.content,
                view=make_view(shown.buttons) if shown.buttons else None,
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def _decide_issue(self, interaction: discord.Interaction, press: Press) -> str:
        state = STATES.get(press.verb)
        if state is not None:
            return await self._issues.decide(interaction, press.target, state)
        issue = await self._runner.manager.admin.find_issue(press.target)
        if issue is None:
            raise Complaint(_GONE)
        mute = self._mute_of(press.target)
        if press.verb == Verb.UNMUTE:
            if mute is None:
                return f"**{issue.reference}** is not muted any more."
            return await self._muting.end(interaction, mute.key)
        if mute is not None:
            return f"**{issue.reference}** is already muted by {plain(mute.by, 60)}, {describe_mute(mute)}."
        if press.verb == Verb.MUTE_HOUR:
            return await self._muting.begin(interaction, MuteKind.FINGERPRINT, press.target, _HOUR, "")
        above = worse_than(issue.in_last_hour(self._runner.clock.now()))
        return await self._muting.begin(interaction, MuteKind.FINGERPRINT, press.target, MAX_SECONDS, "", above=above)

    def _mute_of(self, fingerprint: str) -> Mute | None:
        key, now = f"{MuteKind.FINGERPRINT.value}/{fingerprint}", self._runner.clock.now()
        found = (mute for mute, _ in self._runner.manager.admin.overrides.mutes if mute.key == key)
        return next((mute for mute in found if mute.until > now), None)

    async def _decide_card(self, interaction: discord.Interaction, press: Press, key: str, event: Event) -> str:
        if press.verb == Verb.PAUSE_INVITES:
            return await self._pause_invites(interaction, key, event)
        return await self._issues.acknowledge_alert(interaction, key, event.origin)

    async def _pause_invites(self, interaction: discord.Interaction, key: str, event: Event) -> str:
        guild = self._runner.cog.bot.get_guild(event.guild_id or 0)
        if guild is None:
            raise Complaint("The bot is not in that server any more.")
        await self._check_manager(interaction, guild)
        now = self._runner.clock.now()
        known = self._runner.manager.admin.overrides.decisions.of(key)
        if known is not None and known.until > now:
            return f"Already paused by {plain(known.by, 60)} until <t:{int(known.until)}:t>."
        decision = Decision(self._runner.name_of(interaction.user), now, now + _HOUR)
        until = datetime.fromtimestamp(decision.until, UTC)
        await guild.edit(invites_disabled_until=until, reason=f"/webhooks: raid, by {interaction.user}")
        await self._runner.manager.admin.decide_card(key, decision)
        await self._runner.record(interaction, f"paused the invites of {guild.name} for 1 h")
        return f"The invites of **{plain(guild.name, 80)}** are paused until <t:{int(decision.until)}:t>."

    async def _check_manager(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        """Raise `Complaint` unless both the presser and the bot may manage a server, as it is now."""
        if interaction.guild_id == guild.id:
            may = interaction.permissions.manage_guild or interaction.permissions.administrator
        else:
            try:
                member = await guild.fetch_member(interaction.user.id)
            except discord.NotFound:
                raise Complaint(f"You are not a member of {plain(guild.name, 80)}.") from None
            may = member.guild_permissions.manage_guild
        if not may:
            raise Complaint(f"You lack Manage Server in {plain(guild.name, 80)}.")
        if not guild.me.guild_permissions.manage_guild:
            raise Complaint(f"The bot lacks Manage Server in {plain(guild.name, 80)}.")


def _webhook_of(interaction: discord.Interaction) -> int:
    message = interaction.message
    return (message.webhook_id if message is not None else None) or 0
