"""The table: kick, ban, softban, prune and leave, each with the audit log entry before, 2 s after, 10 s after and never.

All cells run at once, in one bot: a server and a destination of its own for each row, so that the channel of a row shows
what became of four people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ...conftest import running_bot

DELAYS: dict[str, float | None] = {"before": -2.0, "two": 2.0, "ten": 10.0, "never": None}
ROWS = ("kick", "ban", "softban", "leave")


@dataclass(frozen=True, slots=True)
class Cell:
    """One person of one row, and what happens to the person."""

    row: str
    delay: str
    user_id: int
    guild_id: int

    @property
    def name(self) -> str:
        return f"{self.row}{self.delay}"

    def act(self, sandbox: Sandbox) -> None:
        if self.row == "leave":
            sandbox.leave(self.user_id, guild_id=self.guild_id)
            return
        do: Callable[..., None] = getattr(sandbox, self.row)
        do(self.user_id, sandbox.owner_id, "spam", guild_id=self.guild_id, audit_delay=DELAYS[self.delay])


def fields(embed: dict[str, Any]) -> dict[str, str]:
    """The fields by their names, however these are dressed up."""
    plain = {field["name"].replace("\\", ""): field["value"].replace("\\", "") for field in embed["fields"]}
    return {name.lower().replace(" ", "_"): value for name, value in plain.items()}


def check_cell(cell: Cell, embed: dict[str, Any], owner: int) -> None:
    """Assert that a card says what happened, and nothing that cannot be known."""
    known = cell.delay != "never"
    found = fields(embed)
    if cell.row == "leave" or (cell.row == "kick" and not known):
        # Without an entry a kick and a leave look the same.
        assert embed["title"] == "Member left"
        assert not {"audit_log", "moderator"} & set(found)
        return
    titles = {"kick": "Member kicked", "ban": "Member banned", "softban": "Member banned and unbanned (softban)"}
    assert embed["title"] == titles[cell.row]
    assert "roles" not in found
    if not known:
        assert not {"moderator", "reason"} & set(found)
        return
    assert f"<@{owner}> olivia" in found["moderator"]
    assert found["reason"] == "spam"
    if cell.row == "softban":
        assert f"<@{owner}> olivia" in found["unban_moderator"]


def embeds_of(sandbox: Sandbox, channel: str, text: str) -> list[dict[str, Any]]:
    shown = [embed for message in sandbox.messages(channel) for embed in message.embeds]
    return [embed for embed in shown if text in str(embed)]


def use_own_destinations(sandbox: Sandbox, env: pytest.MonkeyPatch, guilds: dict[str, list[int]]) -> None:
    for name in ("MEMBER_EVENTS", "INFO"):
        env.delenv(f"WEBHOOK_{name}_URL")
    for name, ids in guilds.items():
        env.setenv(f"WEBHOOK_{name.upper()}_URL", sandbox.webhook_url(name))
        env.setenv(f"WEBHOOK_{name.upper()}_EVENTS", "member")
        env.setenv(f"WEBHOOK_{name.upper()}_GUILDS", ",".join(map(str, ids)))


@pytest.mark.slow
async def test_every_departure_ends_up_true_whenever_the_audit_log_speaks(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    guilds = {row: sandbox.add_guild(row) for row in ROWS}
    prunes = {delay: sandbox.add_guild(f"prune {delay}") for delay in DELAYS}
    use_own_destinations(sandbox, env, {**{row: [guilds[row]] for row in ROWS}, "prune": list(prunes.values())})
    old = partial(sandbox.join, joined_days_ago=100)
    cells = [Cell(row, delay, old(f"{row}{delay}", guild_id=guilds[row]), guilds[row]) for row in ROWS for delay in DELAYS]
    pruned = {delay: [old(f"prune{delay}{n}", guild_id=prunes[delay]) for n in "ab"] for delay in DELAYS}
    async with running_bot(sandbox):
        for cell in cells:
            cell.act(sandbox)
        for delay, ids in pruned.items():
            sandbox.prune(ids, sandbox.owner_id, guild_id=prunes[delay], audit_delay=DELAYS[delay])

        def is_settled() -> bool:
            late = [embeds_of(sandbox, row, f"{row}ten ") for row in ("kick", "ban", "softban")]
            corrected = all(len(shown) == 1 and "olivia" in str(shown[0]) for shown in late)
            lifted = "Unban moderator" in str(late[2])
            late_prune = embeds_of(sandbox, "prune", "left or was pruned")
            return corrected and lifted and len(late_prune) == 2 and len(embeds_of(sandbox, "leave", "Member left")) == 4

        await sandbox.wait_until(is_settled, 60)
        for cell in cells:
            [embed] = embeds_of(sandbox, cell.row, f"{cell.name} ")
            check_cell(cell, embed, sandbox.owner_id)
        check_prunes(sandbox)


def check_prunes(sandbox: Sandbox) -> None:
    for delay in ("before", "two"):
        [embed] = embeds_of(sandbox, "prune", f"prune {delay}")
        assert embed["title"] == "Members pruned"
        assert "2 members pruned" in embed["description"]
        assert "7 days" in embed["description"]
    late = embeds_of(sandbox, "prune", "prune ten")
    assert sorted(embed["title"] for embed in late) == ["Member left or was pruned"] * 2 + ["Members pruned"]
    never = embeds_of(sandbox, "prune", "prune never")
    assert [embed["title"] for embed in never] == ["Member left"] * 2
    files = [file.text for message in sandbox.messages("prune") for file in message.attachments]
    for delay in ("before", "two", "ten"):
        assert sum(f"prune{delay}a" in text and f"prune{delay}b" in text for text in files) == 1
