"""Makes the workers: what all destinations share is here, and begins and ends with it."""

from __future__ import annotations

from collections.abc import Callable

from ..batch import Batcher
from ..clock import Clock
from ..config import Destination, WebhookConfig
from ..intake import Intake
from ..stats import Counters
from ..storage import Outbox
from .answer import Answer
from .breaker import CircuitBreaker
from .cards import Cards
from .health import Health
from .invalid import InvalidRequests
from .ledger import Ledger
from .limiter import ChannelLimiters
from .links import Links, Pause
from .parts import Parts
from .pings import Pings
from .threads import Threads
from .transport import WebhookTransport
from .worker import DestinationWorker


class Crew:
    """All that delivers; `clean` takes secrets out of Discord's reasons. Needs a running loop."""

    def __init__(
        self,
        config: WebhookConfig,
        *,
        batcher: Batcher,
        intake: Intake,
        outbox: Outbox,
        counters: Counters,
        clock: Clock,
        links: Links,
        clean: Callable[[str], str],
    ) -> None:
        self._config = config
        self._batcher = batcher
        self._intake = intake
        self._outbox = outbox
        self._counters = counters
        self._clock = clock
        self._links = links
        self._pause = Pause()
        self._limiters = ChannelLimiters(config.max_requests_per_minute, clock)
        self._pings = Pings(config.ping_role_id, config.ping_cooldown_seconds)
        self._invalid = InvalidRequests(config.max_invalid_requests, clock, self._pause, lambda text: links.tell("", text))
        self._transport = WebhookTransport(self._on_answer, clean)

    def make_worker(self, destination: Destination) -> DestinationWorker:
        """Return a worker for a destination."""
        config, name = self._config, destination.name
        breaker = CircuitBreaker(failures=config.breaker_failures, cooldown_seconds=config.breaker_cooldown_seconds)
        return DestinationWorker(
            Parts(
                destination,
                ledger=Ledger(name, self._intake, self._outbox, self._counters, self._clock),
                health=Health(destination, breaker, self._pause, self._links),
                cards=Cards(name, config.card_edit_seconds, config.bot_version, self._pings.is_due),
                threads=Threads(destination),
                batcher=self._batcher,
                transport=self._transport,
                limiters=self._limiters,
                pings=self._pings,
                clock=self._clock,
                links=self._links,
            )
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.close()

    def _on_answer(self, answer: Answer) -> None:
        self._counters.add(answer.destination, "requests")
        if answer.status == 429:
            self._counters.add(answer.destination, "rate_limited")
        # Looking a webhook up has limits of its own.
        if answer.method != "GET":
            self._limiters.limiter(answer.destination).learn(answer)
        self._invalid.note(answer)
