"""Shared parts: what the workers of all destinations share, and how a worker is put together from it. It runs nothing."""

from __future__ import annotations

import contextlib

from ..config.destination import Destination
from ..config.field_types import Buttons
from ..config.network import Network
from ..formatting.formatter import MessageFormatter
from ..pipeline.assembly import Pipeline
from .batch import Batcher
from .callbacks import Callbacks, Pause
from .card_buttons import CardButtons
from .card_states import CardStates
from .circuit_breaker import CircuitBreaker
from .destination_health import Health
from .invalid_requests import InvalidRequests
from .layout_threads import LayoutThreads
from .learned_limits import LearnedLimits
from .live_cards import Cards
from .lost_answers import LostAnswers
from .message_threads import Threads
from .outbox_client import OutboxClient
from .rate_limiter import ChannelLimiters
from .response_headers import WebhookResponse
from .role_pings import Pings
from .transport import WebhookTransport
from .worker import DestinationWorker
from .worker_context import WorkerContext


class SharedParts:
    """The connection, the layout threads, and what is known of the limits. Belongs to one run of the event loop."""

    # Set by `configure`, which must be called before the first `make_worker`.
    batcher: Batcher

    def __init__(
        self, pipeline: Pipeline, callbacks: Callbacks, states: CardStates, buttons: CardButtons, network: Network
    ) -> None:
        self._pipeline, self._callbacks, self._states, self._buttons = pipeline, callbacks, states, buttons
        self.transport = WebhookTransport(self._on_answer, pipeline.redact_text, network)
        self.transport.use_client(buttons.client)
        self.layout = LayoutThreads()
        self.begin_term()

    def begin_term(self) -> None:
        """Forget the limits: what was learned of the channels belongs to one term of sending."""
        config, clock = self._pipeline.config, self._pipeline.clock
        self._pause = Pause()
        self._limiters = ChannelLimiters(config.max_requests_per_minute, clock)
        self._pings = Pings(config.ping_role_id, config.ping_cooldown_seconds)
        self._invalid = InvalidRequests(
            config.max_invalid_requests, clock, self._pause, lambda text: self._callbacks.tell("", text, "", None)
        )

    def configure(self, formatter: MessageFormatter, network: Network) -> None:
        """Apply the pipeline's new settings; what was sent and learned of the limits is kept."""
        config = self._pipeline.config
        self.batcher = Batcher(formatter, batch_size=config.batch_size, batch_timeout_seconds=config.batch_timeout_seconds)
        self.transport.configure(network)
        self._buttons.is_on = config.buttons == Buttons.AUTO
        self._limiters.configure(config.max_requests_per_minute)
        self._pings.configure(config.ping_role_id, config.ping_cooldown_seconds)
        self._invalid.configure(config.max_invalid_requests)

    def make_worker(self, destination: Destination) -> DestinationWorker:
        """Return a worker for a destination, not started."""
        pipeline, config, name = self._pipeline, self._pipeline.config, destination.name
        breaker = CircuitBreaker(failures=config.breaker_failures, cooldown_seconds=config.breaker_cooldown_seconds)
        health = Health(destination, breaker, self._pause, self._callbacks)
        health.hold_reason = config.hold_reason
        return DestinationWorker(
            WorkerContext(
                destination,
                outbox=OutboxClient(name, pipeline.intake, pipeline.outbox, pipeline.counters, pipeline.clock),
                health=health,
                cards=Cards(name, config.card_edit_seconds, config.bot_version, self._pings.is_due),
                threads=Threads(destination),
                batcher=self.batcher,
                transport=self.transport,
                layout=self.layout,
                limiters=self._limiters,
                pings=self._pings,
                clock=pipeline.clock,
                links=self._callbacks,
                lost_answers=LostAnswers(destination, self.transport, self._limiters, self._callbacks),
                states=self._states,
                buttons=self._buttons,
                learned=LearnedLimits(name, destination.url.id, health, self._limiters, self._invalid),
            ),
            config.remind_minutes,
        )

    def _on_answer(self, answer: WebhookResponse) -> None:
        self._pipeline.counters.add(answer.destination, "requests")
        if answer.status == 429:
            self._pipeline.counters.add(answer.destination, "rate_limited")
        # The look-up of a webhook has limits of its own.
        if answer.method != "GET":
            self._limiters.limiter(answer.destination).learn(answer)
        self._invalid.note(answer)

    async def close(self) -> None:
        """Close the connections and end the threads."""
        await self.transport.close()
        await self.layout.close(self._pipeline.clock)

    async def abandon(self) -> None:
        """Drop what belongs to an event loop that has ended."""
        self.layout.shut()
        with contextlib.suppress(RuntimeError):
            await self.transport.close()
