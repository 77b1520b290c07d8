"""The message menu "Webhooks: about this card": what a message shows, and buttons that mute or resolve it.

A webhook that was made by hand cannot carry buttons that reach the bot (`button_presses` is about those that can), so the
way to them goes through the menu of the message: Apps, then this command. The answer with the
buttons is seen by the caller alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord
from discord import app_commands

from ..events.colors import BLURPLE
from ..issues.fingerprint import fingerprint
from ..issues.issue import IssueState
from ..pipeline.mutes import MuteKind
from ..pipeline.recent_events import Seen
from .base import REFUSAL, Answer, CommandRunner, Complaint, checked, plain
from .issues import Issues
from .menu_tickets import PREFIX, Action, Tickets
from .mutes import Muting
from .permissions import Denial

# Five rows hold four events and the destination itself.
_EVENTS: Final = 4
_HOUR: Final = 3600.0


class About:
    """The menu command, and what its buttons do."""

    def __init__(self, runner: CommandRunner, muting: Muting, issues: Issues) -> None:
        self.runner = runner
        self._muting = muting
        self._issues = issues
        self._tickets = Tickets(runner.clock.monotonic)

    def menu(self) -> app_commands.ContextMenu:
        """Return the command for the menu of messages."""
        return app_commands.ContextMenu(name="Webhooks: about this card", callback=self.about)

    @checked
    async def about(self, interaction: discord.Interaction, message: discord.Message) -> Answer:
        manager = self.runner.manager
        ids = {worker.destination.url.id: name for name, worker in manager.workers.items()}
        destination = ids.get(message.webhook_id or 0)
        if destination is None:
            raise Complaint("This message is not of the bot's webhooks.")
        card = await manager.admin.cards.find_card(message.id)
        seen = (
            [Seen(card[1], fingerprint(card[1]))] if card is not None else manager.admin.overrides.recent_events.shown(message.id)
        )
        embed = discord.Embed(title="About this card", color=BLURPLE, description=f"Sent to **{destination}**.")
        if not seen:
            embed.description = f"Sent to **{destination}** before the bot's last start; what it shows is not known any more."
        for number, each in enumerate(seen[:_EVENTS], 1):
            value = f"{plain(each.event.message, 300)}\nFingerprint `{each.fingerprint}`"
            embed.add_field(
                name=f"{number}. {each.event.level.value} · {plain(each.event.origin, 80) or '-'}", value=value, inline=False
            )
        if len(seen) > _EVENTS:
            embed.set_footer(text=f"and {len(seen) - _EVENTS} other events")
        return Answer(embed=embed, view=self._buttons(interaction.user.id, destination, seen[:_EVENTS], message))

    def _buttons(self, user_id: int, destination: str, seen: Sequence[Seen], message: discord.Message) -> discord.ui.View:
        view = discord.ui.View(timeout=None)

        def add(row: int, label: str, action: Action, style: discord.ButtonStyle = discord.ButtonStyle.secondary) -> None:
            custom_id = self._tickets.issue(action, user_id)
            view.add_item(discord.ui.Button(label=label, custom_id=custom_id, style=style, row=row))

        for number, each in enumerate(seen):
            shown = f"{number + 1}: " if len(seen) > 1 else ""
            about = f"{message.channel.id}/{message.id}"
            for label, hours in (("Mute 1 h", 1), ("Mute 24 h", 24)):
                add(number, shown + label, Action("fingerprint", each.fingerprint, hours * _HOUR))
            if each.event.origin:
                add(number, f"{shown}Mute logger 1 h", Action("logger", each.event.origin, _HOUR))
            if each.event.facts.get("type") == "alert" and each.event.card:
                add(number, f"{shown}Acknowledge", Action("alert", each.event.card, about=each.event.origin))
                continue
            if each.event.issue:
                add(number, f"{shown}Acknowledge", Action("acknowledge", each.fingerprint))
            add(number, f"{shown}Resolve", Action("resolve", each.fingerprint, about=about), discord.ButtonStyle.success)
        add(len(seen), f"Mute {destination} 1 h"[:80], Action("destination", destination, _HOUR))
        # discord.py must not keep the view: `press` answers, after a check of its own.
        view.stop()
        return view

    async def press(self, interaction: discord.Interaction) -> None:
        """Answer a pressed button of ours; a listener of the bot's `interaction` event."""
        custom_id = str((interaction.data or {}).get("custom_id", ""))
        if interaction.type == discord.InteractionType.component and custom_id.startswith(PREFIX):
            await self.runner.serve(interaction, lambda: self._act(interaction, custom_id))

    async def _act(self, interaction: discord.Interaction, custom_id: str) -> str:
        action = self._tickets.redeem(custom_id, interaction.user.id)
        if isinstance(action, Denial):
            self.runner.access.refuse(action)
            used = "This button was used already." if action == Denial.REPLAYED else "This menu is too old; open it again."
            raise Complaint(REFUSAL if action == Denial.FORGED else used)
        match action.verb:
            case "resolve":
                return await self._resolve(interaction, action)
            case "acknowledge":
                return await self._issues.decide(interaction, action.target, IssueState.ACKNOWLEDGED)
            case "alert":
                return await self._issues.acknowledge_alert(interaction, action.target, action.about)
            case _:
                pass
        return await self._muting.begin(interaction, MuteKind(action.verb), action.target, action.seconds, "")

    async def _resolve(self, interaction: discord.Interaction, action: Action) -> str:
        if await self.runner.manager.admin.find_issue(action.target) is not None:
            return await self._issues.decide(interaction, action.target, IssueState.RESOLVED)
        # What is no error is no issue: nothing comes back as a regression.
        channel_id, message_id = map(int, action.about.split("/"))
        await self.runner.record(interaction, f"resolved {action.target}")
        message = self.runner.cog.bot.get_partial_messageable(channel_id).get_partial_message(message_id)
        await message.add_reaction("✅")
        return "Marked as resolved, with a ✅ on the message."
