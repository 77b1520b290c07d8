"""Breadcrumb hooks: note used commands, buttons and forms, and requests that Discord refuses, which may explain an error.

Log records are noted where they are captured. No person is named, because the error itself names its user.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import discord
from discord.ext import commands

from ...feedback import suppressed
from ...patching import watch_calls, watch_dispatch
from ..breadcrumbs import trail
from ..guard import Guard
from .context import interaction_type

_VERSION: Final = re.compile(r"^.*/api(?:/v\d+)?(?=/)")
# Ids identify persons; the token of a webhook or an interaction gives access.
_ID: Final = re.compile(r"(?<=/)\d{15,20}(?=/|$)")
_TOKEN: Final = re.compile(r"(?<=/)[^/]{24,}")
_COMPONENTS: Final = {2: "button", 3: "menu", 5: "menu", 6: "menu", 7: "menu", 8: "menu"}


class BreadcrumbHooks:
    """Listen to a bot's dispatch, and to the exceptions of discord.py."""

    def __init__(self, bot: discord.Client, *, now: Callable[[], float]) -> None:
        self._bot = bot
        self._now = now
        self._guard = Guard("a breadcrumb")

    def install(self, stack: ExitStack) -> None:
        """Watch the dispatch; the stack ends it. Not a listener, which would be called after the command has begun."""
        watch_dispatch(stack, self._bot, {"command": self._on_command, "interaction": self._on_interaction})

    def install_on_process(self, stack: ExitStack) -> None:
        """Watch the exceptions of all bots; the stack ends it."""
        watch_calls(stack, discord.HTTPException, "__init__", self._on_refusal, after=True)

    def _on_command(self, context: commands.Context[Any]) -> None:
        self._guard.call(self._note_command, context)

    def _note_command(self, context: commands.Context[Any]) -> None:
        name = context.command.qualified_name if context.command else "unknown"
        if getattr(context, "interaction", None) is None:
            self._note("command", f"{context.prefix or ''}{name}")

    def _on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self._guard.call(self._note_interaction, interaction)

    def _note_interaction(self, interaction: discord.Interaction[Any]) -> None:
        kind, data = interaction_type(interaction), interaction.data or {}
        what = {"application_command": "command", "modal_submit": "form"}.get(kind)
        if kind == "component":
            what = _COMPONENTS.get(int(data.get("component_type") or 0), "component")
        if what is not None:
            name = str(data.get("custom_id") or data.get("name") or "")
            self._note(what, f"/{name}" if what == "command" else name)

    def _on_refusal(self, _result: None, error: discord.HTTPException, response: Any = None, *_more: Any, **_named: Any) -> None:
        if not suppressed.get():
            self._guard.call(self._note_refusal, error, response)

    def _note_refusal(self, error: discord.HTTPException, response: Any) -> None:
        method = getattr(response, "method", None) or getattr(getattr(response, "request", None), "method", "")
        path = _VERSION.sub("", str(getattr(response, "url", "")).partition("?")[0])
        route = _TOKEN.sub("...", _ID.sub("{id}", path))
        # The text may quote what was sent.
        self._note("HTTP", f"{error.status} for {method} {route} (code {error.code})")

    def _note(self, what: str, text: str) -> None:
        trail.note(self._now(), what, "", text, is_shared=what != "HTTP")
