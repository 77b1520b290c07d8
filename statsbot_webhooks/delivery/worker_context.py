"""What a destination's delivery is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ..clock import Clock
from ..config.destination import Destination
from .batch import Batcher
from .callbacks import Callbacks
from .destination_health import Health
from .forum_threads import Threads
from .layout_threads import LayoutThreads
from .live_cards import Cards
from .lost_answers import LostAnswers
from .outbox_client import OutboxClient
from .rate_limiter import ChannelLimiter, ChannelLimiters
from .role_pings import Pings
from .transport import Transport

# The keys of the state store under which the channels of the webhooks are: look-ups may fail at the start.
CHANNELS: Final = "channel/"


@dataclass(slots=True)
class WorkerContext:
    """One for each destination. `batcher` is replaced when settings change; everything else stays.

    Batcher, transport, layout, limiters, pings, clock and links are shared by all.
    """

    destination: Destination
    outbox: OutboxClient
    health: Health
    cards: Cards
    threads: Threads
    batcher: Batcher
    transport: Transport
    layout: LayoutThreads
    limiters: ChannelLimiters
    pings: Pings
    clock: Clock
    links: Callbacks
    lost_answers: LostAnswers

    @property
    def limiter(self) -> ChannelLimiter:
        """The budget of the destination's channel."""
        return self.limiters.limiter(self.destination.name)

    def channel_state(self, channel_id: int) -> dict[str, Any]:
        """Note the channel of the webhook, as Discord just told it; returns the state to store when it is news."""
        name = self.destination.name
        self.health.channel_id = channel_id
        if not self.limiters.join(name, channel_id):
            return {}
        return {f"{CHANNELS}{name}": {"webhook": self.destination.url.id, "channel": channel_id}}

    def post_tags(self) -> tuple[int, ...]:
        """Return the ids of the tags that a new post of the forum gets."""
        reader, channel_id = self.links.reader(), self.limiters.channel_of(self.destination.name)
        return self.threads.tags({} if reader is None or channel_id is None else reader.tags(channel_id))

    async def note_success(self, count: int) -> None:
        """Note that Discord took `count` events, and tell it when it had not for a while."""
        was_failing = self.health.breaker.is_failing
        waiting = count + (await self.outbox.depth()).entries if was_failing else 0
        self.health.record_success(self.clock.monotonic(), waiting)
        self.links.on_delivered(self.destination.name)
