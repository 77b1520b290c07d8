"""Worker context: the parts of one destination's delivery, and the steps that several of them need. It decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from ..clock import Clock
from ..config.destination import Destination
from ..formatting.message import WebhookMessage
from .batch import Batcher
from .callbacks import Callbacks
from .card import Card
from .card_buttons import CardButtons
from .card_states import CardState, CardStates
from .destination_health import Health
from .layout_threads import LayoutThreads
from .learned_limits import LearnedLimits
from .live_cards import Cards
from .lost_answers import LostAnswers
from .message_threads import Threads
from .outbox_client import OutboxClient
from .outcome import Result
from .rate_limiter import ChannelLimiter, ChannelLimiters, Priority
from .role_pings import Pings
from .transport import WebhookTransport

# Prefix of the stored channels of webhooks, which are needed when a look-up fails at the start.
CHANNELS: Final = "channel/"
_OF_WEBHOOK: Final = ("application", "guild", "channel")


@dataclass(slots=True)
class WorkerContext:
    """One for each destination. `batcher` is replaced when settings change; everything else stays.

    Batcher, transport, layout, limiters, pings, clock, links, states and buttons are shared by all.
    """

    destination: Destination
    outbox: OutboxClient
    health: Health
    cards: Cards
    threads: Threads
    batcher: Batcher
    transport: WebhookTransport
    layout: LayoutThreads
    limiters: ChannelLimiters
    pings: Pings
    clock: Clock
    links: Callbacks
    lost_answers: LostAnswers
    states: CardStates
    buttons: CardButtons
    learned: LearnedLimits
    # The owner of the webhook and its server, when Discord has told them.
    application_id: int | None = None
    guild_id: int | None = None

    @property
    def carries_buttons(self) -> bool:
        """Whether cards have interactive buttons here."""
        return self.buttons.are_carried(self.destination.url.id, self.application_id)

    def dress(self, message: WebhookMessage, card: Card, state: CardState) -> WebhookMessage:
        """Return the message of a card with the colour and the buttons of its state."""
        event, color = card.whole.event, state.color
        embeds = message.embeds if color is None else tuple({**embed, "color": color} for embed in message.embeds)
        buttons = self.buttons.draw(state, event, self.destination.url.id, self.application_id)
        return replace(message, embeds=embeds, buttons=buttons)

    async def edit(
        self,
        card: Card,
        message: WebhookMessage,
        priority: Priority,
        kept: Iterable[tuple[int, int]],
        keeps: Collection[str] = (),
    ) -> Result:
        """Edit a card's message, and once more without buttons when Discord refuses them.

        The files in `kept` (id and size) stay; for `keeps` see `WebhookTransport.edit`.
        """
        files = [file_id for file_id, _ in kept]
        async with self.limiter.request(priority):
            await self.outbox.note_edit(self.clock.now())
            result = await self.transport.edit(
                self.destination, card.message_id or 0, message, thread_id=card.thread_id, keeps=keeps, kept_files=files
            )
        if result.is_about_buttons and message.buttons is not None:
            self.buttons.refused.add(self.destination.url.id)
            return await self.edit(card, replace(message, buttons=None), priority, kept, keeps)
        return result

    @property
    def limiter(self) -> ChannelLimiter:
        """The budget of the destination's channel."""
        return self.limiters.limiter(self.destination.name)

    def channel_state(self, channel_id: int, looked_up: Result | None = None) -> dict[str, Any]:
        """Note the webhook's channel and owner, as Discord just said; returns the state to store, empty when nothing is new."""
        name, before = self.destination.name, (self.application_id, self.guild_id)
        self.health.channel_id = channel_id
        if looked_up is not None:
            self.application_id = looked_up.application_id or self.application_id
            self.guild_id = looked_up.guild_id or self.guild_id
        is_news = before != (self.application_id, self.guild_id)
        if not (self.limiters.join(name, channel_id) or is_news):
            return {}
        known: dict[str, int | None] = {"application": self.application_id, "guild": self.guild_id}
        return {f"{CHANNELS}{name}": {"webhook": self.destination.url.id, "channel": channel_id, **known}}

    def restore(self, stored: object) -> int | None:
        """Take over the webhook's owner and server from the storage; returns its channel, None when that is not known."""
        known = cast("dict[str, Any]", stored) if isinstance(stored, dict) else {}
        owner, guild, channel = (each if isinstance(each := known.get(name), int) else None for name in _OF_WEBHOOK)
        if channel is None or known.get("webhook") != self.destination.url.id:
            return None
        self.application_id, self.guild_id = owner, guild
        return channel

    def link_to(self, card: Card) -> str | None:
        """Return the URL of a card's message; None while it is not known."""
        channel_id = card.thread_id or self.limiters.channel_of(self.destination.name)
        if self.guild_id is None or channel_id is None or card.message_id is None:
            return None
        return f"https://discord.com/channels/{self.guild_id}/{channel_id}/{card.message_id}"

    def post_tags(self, key: str) -> tuple[int, ...]:
        """Return the ids of the tags of a new forum post with the card `key`."""
        reader, channel_id = self.links.reader(), self.limiters.channel_of(self.destination.name)
        known: Mapping[str, int] = {} if reader is None or channel_id is None else reader.tags(channel_id)
        return self.threads.tags(known, self.states.issue_state(key) or "")

    async def note_success(self, count: int) -> None:
        """Record that Discord accepted `count` events; the end of an outage is reported."""
        was_failing = self.health.breaker.is_failing
        waiting = count + (await self.outbox.depth()).entries if was_failing else 0
        self.health.record_success(self.clock.monotonic(), waiting)
        self.links.on_delivered(self.destination.name)
