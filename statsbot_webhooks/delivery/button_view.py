"""Buttons as a view of discord.py, which must not keep it: `commands/button_presses.py` checks and answers presses."""

from __future__ import annotations

from collections.abc import Iterable

import discord

from ..formatting.message import Button


def make_view(buttons: Iterable[Button]) -> discord.ui.View:
    """Return a stopped view, which discord.py sends but does not listen to. Needs a running loop."""
    view = discord.ui.View(timeout=None)
    for button in buttons:
        if button.options:
            options = [
                discord.SelectOption(label=label, value=value, description=about) for label, value, about in button.options
            ]
            view.add_item(discord.ui.Select(placeholder=button.label, custom_id=button.custom_id, options=options))
        elif button.url:
            view.add_item(discord.ui.Button(label=button.label, url=button.url))
        else:
            style = discord.ButtonStyle(button.style)
            view.add_item(discord.ui.Button(label=button.label, custom_id=button.custom_id, style=style))
    view.stop()
    return view
