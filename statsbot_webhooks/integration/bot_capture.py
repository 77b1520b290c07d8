"""`Capture` on a bot or client, for a manager that several may share: the same for the extension and for `watch_client`."""

from __future__ import annotations

from dataclasses import replace

import discord

from .. import runtime
from ..capture import Capture
from ..capture.errors.deduplication import SeenExceptions
from ..events.event import Event
from ..formatting.formatter import BotInfo


def bot_info_of(client: discord.Client) -> BotInfo | None:
    """Return the name and picture of a bot, once it has logged in."""
    user: discord.ClientUser | None = client.user
    return None if user is None else BotInfo(user.name, user.display_avatar.url)


def install_capture(capture: Capture, client: discord.Client, holder: runtime.Holder) -> None:
    """Install the hooks on a client; what they capture goes to the manager of the holder."""
    manager = holder.manager

    def submit(event: Event) -> bool:
        # Where several bots share the manager, an event says whose it is.
        info = holder.bot_info
        if info is not None and len(runtime.holders_of(manager)) > 1:
            event = replace(event, context={"bot": info.name, **event.context})
        return manager.submit(event)

    capture.install(
        client,
        submit,
        manager.host.settle,
        is_leading=runtime.is_leading(holder),
        submit_of_process=manager.submit,
        seen=runtime.share(manager, "seen exceptions", SeenExceptions),
        find_delivery_problem=manager.host.find_delivery_problem,
        stats=manager.stats,
        take_tally=manager.host.take_tally,
    )
