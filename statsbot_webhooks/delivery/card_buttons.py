"""Buttons of cards, and which webhooks can carry them. Presses are answered in `commands/`.

Discord takes interactive buttons only from webhooks that an application owns, such as those of `/webhooks setup`, and sends
presses to that application alone: so a webhook carries ours when its owner is a bot of this process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import discord

from ..events.event import Event
from ..formatting.errors import error_text, jump_url
from ..formatting.markdown import truncate
from ..formatting.message import Button
from ..formatting.style import title_of
from ..issues.buttons import LABELS, Verb
from ..redaction.unicode_text import visible
from ..storage.button_key import ButtonKeys
from .button_ids import Press, make_id, read_id
from .card_states import CardState

_STYLES: Final = {Verb.RESOLVE: 3, Verb.ACKNOWLEDGE: 1, Verb.PAUSE_INVITES: 4}
_GREY: Final = 2
# Discord's limits of a select menu, and the target of its press.
_MOST_OPTIONS: Final = 25
_OPTION_UNITS: Final = 100
_MANY: Final = "many"
# The first discord.py that sends link buttons through webhooks without an application, and keeps them over edits.
_LINKS_FROM: Final = (2, 7, 1)


class CardButtons:
    """Draw and read buttons. `clients` are the bots that answer presses."""

    def __init__(self, keys: ButtonKeys) -> None:
        self._keys = keys
        self.is_on = True
        self.clients: tuple[discord.Client, ...] = ()
        # Webhooks whose buttons Discord has refused.
        self.refused: set[int] = set()

    @property
    def client(self) -> discord.Client | None:
        """The bot in whose name buttons are sent."""
        return next(iter(self.clients), None)

    def may_pause(self, guild_id: int) -> bool:
        """Whether a bot may pause the invites of a server."""
        guilds = (client.get_guild(guild_id) for client in self.clients)
        return any(guild is not None and guild.me is not None and guild.me.guild_permissions.manage_guild for guild in guilds)  # pyright: ignore[reportUnnecessaryComparison]

    def are_carried(self, webhook_id: int, application_id: int | None) -> bool:
        """Whether a webhook of this application carries interactive buttons."""
        owners = {client.application_id for client in self.clients} - {None}
        return self.is_on and application_id in owners and webhook_id not in self.refused

    def draw(self, state: CardState, event: Event, webhook_id: int, application_id: int | None) -> tuple[Button, ...] | None:
        """Return the buttons of a card; None when the webhook carries none."""
        links = self._links(event, webhook_id)
        if application_id is None or not self._keys.current or not self.are_carried(webhook_id, application_id):
            return links or None
        return (*self.make(state, webhook_id, application_id), *links)

    def make(self, state: CardState, webhook_id: int, application_id: int) -> tuple[Button, ...]:
        """Return the interactive buttons."""
        key = self._keys.current
        if key is None:
            return ()
        return tuple(
            Button(
                LABELS[verb], make_id(key, Press(verb, state.target), webhook_id, application_id), style=_STYLES.get(verb, _GREY)
            )
            for verb in state.verbs
        )

    def draw_choice(self, events: Sequence[Event], webhook_id: int, application_id: int | None) -> tuple[Button, ...] | None:
        """Return the menu of a message of many events: its issues, the most frequent first; None without any."""
        counts = Counter(event.fingerprint for event in events if event.issue)
        key, known = self._keys.current, {event.fingerprint: event for event in events}
        if not counts or key is None or application_id is None or not self.are_carried(webhook_id, application_id):
            return None
        options = tuple(
            (_cut(f"{known[name].issue} · {title_of(known[name])}"), name, _cut(error_text(known[name])) or "no text")
            for name, _ in counts.most_common(_MOST_OPTIONS)
        )
        custom_id = make_id(key, Press(Verb.CHOOSE, _MANY), webhook_id, application_id)
        return (Button(LABELS[Verb.CHOOSE], custom_id, options=options),)

    def _links(self, event: Event, webhook_id: int) -> tuple[Button, ...]:
        """Return the link to the user's message that led to an error; every webhook can carry links."""
        url = jump_url(event)
        if not self.is_on or not url or webhook_id in self.refused or discord.version_info[:3] < _LINKS_FROM:
            return ()
        return (Button("Go to the message", url=url),)

    def read(self, custom_id: str, webhook_id: int, application_id: int) -> Press | None:
        """Return what a pressed button asks for; None for one that is not genuine."""
        return read_id(self._keys.all, custom_id, webhook_id, application_id)


def _cut(text: str) -> str:
    return truncate(" ".join(visible(text).split()), _OPTION_UNITS)
