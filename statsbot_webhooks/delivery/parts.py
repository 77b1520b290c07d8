"""What a destination's delivery is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ..batch import Batcher
from ..clock import Clock
from ..config import Destination
from .cards import Cards
from .health import Health
from .ledger import Ledger
from .limiter import ChannelLimiter, ChannelLimiters
from .links import Links
from .pings import Pings
from .threads import Threads
from .transport import Transport


@dataclass(frozen=True, slots=True)
class Parts:
    """One for each destination; batcher, transport, limiters, pings, clock and links are shared by all."""

    destination: Destination
    ledger: Ledger
    health: Health
    cards: Cards
    threads: Threads
    batcher: Batcher
    transport: Transport
    limiters: ChannelLimiters
    pings: Pings
    clock: Clock
    links: Links

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
