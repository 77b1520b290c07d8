"""What is stored of a person: `forget`."""

from __future__ import annotations

import re
from typing import Any, Final

import discord
from discord import app_commands

from .base import Complaint, Theme, checked, make_command

_USER: Final = re.compile(r"\s*(?:<@!?)?(\d{15,21})>?\s*\Z")

_OTHERS: Final = (
    " This was done in the shared storage and in the process that answers. Each other process of the fleet now deletes what it "
    "holds itself, within seconds; one that is down does so when it starts."
)


class Persons(Theme):
    """Delete what the storage holds of a person."""

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        return [make_command("forget", "Delete what the storage still holds about a person", self.forget)]

    @checked
    @app_commands.describe(user="The person's id, or a mention", name="Also delete what names the person like this")
    async def forget(self, interaction: discord.Interaction, user: str, name: str | None = None) -> str:
        match = _USER.match(user)
        if match is None:
            raise Complaint("That is not a user id: copy it from the person's menu (Developer Mode), or mention the person.")
        count = await self.manager.forget(int(match[1]), [name] if name else [])
        members, _ = await self.manager.admin.members()
        # Who was forgotten is not recorded, or it would be known again.
        await self.runner.record(interaction, f"had a person forgotten ({count} deleted)")
        return (
            f"{count} deleted: waiting events, dead letters, live cards and expired events that spoke of this person. "
            "Messages that are in Discord already stay: delete them there." + (_OTHERS if len(members) > 1 else "")
        )
