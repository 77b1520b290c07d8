"""What a destination's delivery is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ..clock import Clock
from ..config.destination import Destination
from .batch import Batcher
from .callbacks import Callbacks
from .destination_health import Health
from .forum_threads import Threads
from .layout_threads import LayoutThreads
from .live_cards import Cards
from .outbox_client import Ledger
from .rate_limiter import ChannelLimiter, ChannelLimiters
from .role_pings import Pings
from .transport import Transport


@dataclass(slots=True)
class WorkerContext:
    """One for each destination. `batcher` is replaced when settings change; everything else stays.

    Batcher, transport, layout, limiters, pings, clock and links are shared by all.
    """

    destination: Destination
    ledger: Ledger
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

    @property
    def limiter(self) -> ChannelLimiter:
        """The budget of the destination's channel."""
        return self.limiters.limiter(self.destination.name)

    async def note_success(self, count: int) -> None:
        """Note that Discord took `count` events, and say so when it had not for a while."""
        seconds = self.health.record_success(self.clock.monotonic())
        if seconds is not None:
            waited = count + (await self.ledger.depth()).entries
            self.health.say(f"webhook {self.destination.name} works again after {seconds:.0f} s; {waited} events waited")
        self.links.on_delivered(self.destination.name)
