"""Makes the workers: what all destinations share is here, and begins and ends with it."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock
from ..config.destination import Destination
from ..config.model import WebhookConfig
from ..events.accounting import Counters
from ..pipeline.intake import Intake
from ..storage import Outbox
from .batch import Batcher
from .callbacks import Links, Pause
from .circuit_breaker import CircuitBreaker
from .destination_health import Health
from .forum_threads import Threads
from .invalid_requests import InvalidRequests
from .live_cards import Cards
from .outbox_client import Ledger
from .rate_limiter import ChannelLimiters
from .response import Answer
from .role_pings import Pings
from .transport import WebhookTransport
from .worker import DestinationWorker
from .worker_context import Parts


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
