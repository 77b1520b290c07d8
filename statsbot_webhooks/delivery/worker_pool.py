"""Worker pool: the workers of all destinations, their tasks, and which one stands in for a webhook that is gone.

It sends nothing itself.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import discord
from pydantic import SecretStr

from ..clock import loop_time
from ..config.destination import Destination
from ..config.network import Network
from ..events.factory import Outage, notice_event, outage_event
from ..formatting.formatter import MessageFormatter
from ..pipeline.assembly import Pipeline
from ..pipeline.router import fallbacks
from ..pipeline.supervisor import Supervisor
from .callbacks import Callbacks
from .card_buttons import CardButtons
from .card_states import CardStates
from .channel_reader import ChannelReader
from .destination_health import DestinationState
from .shared_parts import SharedParts
from .worker import DestinationWorker

_BROKEN = (DestinationState.FAILING, DestinationState.GONE, DestinationState.HELD)
_ACTIVE = (DestinationState.WORKING, DestinationState.FAILING)
_FLUSH_POLL_SECONDS = 0.05
# How long after a delivery lost events are reported.
_REPORT_SECONDS = 1.0
# How long the last message to a replaced webhook may take: Discord answers within a second.
_GRACE_SECONDS = 1.0


class WorkerPool:
    """Own the workers and their tasks, and deliver what the pipeline holds. `start` needs a running loop."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._intake = pipeline.intake
        self._outbox = pipeline.outbox
        self._clock = pipeline.clock
        self._callbacks = Callbacks(
            self.tell,
            self.fallback,
            lambda name: self.wake({name}),
            self._on_delivered,
            pipeline.overrides.recent_events.note_message,
            lambda: self.readers[0] if self.readers else None,
        )
        # Channel readers of the bots of this process; kept over a restart of the delivery.
        self.readers: list[ChannelReader] = []
        self._workers: dict[str, DestinationWorker] = {}
        self._tasks = Supervisor()
        self._flushes = 0
        # Tasks that end workers, move events or report losses; `stop` cancels them and waits for their ends.
        self._retiring: set[asyncio.Task[None]] = set()
        self._reporting: set[str] = set()
        self._shared: SharedParts | None = None
        self._bot_proxy: SecretStr | None = None
        self.buttons = CardButtons(pipeline.button_keys)
        self.states = CardStates(pipeline.overrides, pipeline.clock.now, self.buttons.may_pause)
        # The lease under which this process sends; None while another one does.
        self._term: int | None = None
        # When a message last arrived at any destination (monotonic seconds).
        self.last_delivery: float | None = None

    @property
    def workers(self) -> Mapping[str, DestinationWorker]:
        """The workers by the names of their destinations."""
        return self._workers

    def start(self, formatter: MessageFormatter) -> None:
        """Create what the workers share; `add` then starts workers."""
        self._term = self._outbox.fleet.term
        self._shared = SharedParts(self._pipeline, self._callbacks, self.states, self.buttons, self.network)
        self._shared.configure(formatter, self.network)

    def add(self, destinations: Iterable[Destination]) -> None:
        """Start workers for destinations; one of the same name is replaced. Does nothing before `start`."""
        if self._shared is None:
            return
        for destination in destinations:
            worker = self._shared.make_worker(destination)
            worker.is_enabled = worker.name not in self._pipeline.overrides.switched_off
            before = self._retire(worker.name)
            self._workers[worker.name] = worker
            if self._term is not None:
                self._spawn(worker, before)
        self._wake_gone()

    def follow_term(self) -> None:
        """Begin to send, or stop when another process of the fleet does; limits are learned anew in each term."""
        if self._shared is None or self._term == self._outbox.fleet.term:
            return
        self._term = self._outbox.fleet.term
        self._shared.begin_term()
        self.add([worker.destination for worker in self._workers.values()])

    def reconfigure(self, formatter: MessageFormatter, destinations: Sequence[Destination]) -> None:
        """Apply the pipeline's new settings; workers of unchanged destinations continue in place.

        A message in flight arrives under the old settings. What was sent and learned of the limits is kept.
        """
        if self._shared is None:
            return
        self._shared.configure(formatter, self.network)
        wanted = {destination.name: destination for destination in destinations}
        for name in self._workers.keys() - wanted.keys():
            self._move_events_after(self._retire(name))
        kept = {name: worker for name, worker in self._workers.items() if worker.destination == wanted[name]}
        for worker in kept.values():
            worker.configure(self._pipeline.config, self._shared.batcher)
        self.add(destination for destination in destinations if destination.name not in kept)
        # In the order of the settings, which is the order in the answers of /webhooks.
        self._workers = {name: self._workers[name] for name in wanted}

    def _retire(self, name: str) -> asyncio.Task[None] | None:
        """Let a worker end after its current request; returns a task that is done when it has ended."""
        worker, task = self._workers.pop(name, None), self._tasks.release(name)
        if worker is None or task is None:
            return None
        worker.retire()
        ending = asyncio.create_task(_end(task), name=f"statsbot_webhooks-end of {name}")
        self._keep(ending)
        return ending

    def _move_events_after(self, ending: asyncio.Task[None] | None) -> None:
        async def move() -> None:
            if ending is not None:
                await asyncio.wait([ending])
            await self._intake.run(self._pipeline.move_unconfigured)

        self._keep(asyncio.create_task(move(), name="statsbot_webhooks-move events"))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def stop(self, patience: float) -> None:
        """End every task and close the connections. What is leased is given back.

        In a fleet, requests under way get `patience` seconds to finish.
        """
        if self._outbox.fleet.has_others and (ending := [*filter(None, map(self._retire, list(self._workers)))]):
            # A finished request spares the next process that sends a search for its message.
            await asyncio.wait(ending, timeout=patience)
        retiring = list(self._retiring)
        for task in retiring:
            task.cancel()
        await self._tasks.stop()
        await asyncio.gather(*retiring, return_exceptions=True)
        shared, self._workers, self._shared = self._shared, {}, None
        if shared is not None:
            await shared.close()

    async def abandon(self) -> None:
        """Drop workers whose event loop has ended without a stop; what they had leased is given back."""
        for name in self._workers:
            self._intake.post(self._outbox.release_all, name)
        self._tasks.abandon()
        self._retiring.clear()
        shared, self._workers, self._shared = self._shared, {}, None
        if shared is not None:
            await shared.abandon()

    async def flush(self, deadline: float, *, is_ending: bool) -> bool:
        """Send what waits without waiting for batches to fill; False when that was not done by `deadline` (loop time).

        Destinations that are gone or switched off are not waited for.
        """
        if self._term is None or (is_ending and self._outbox.fleet.has_others):
            # What waits is in the storage, and another process sends it.
            return True
        self._flushes += 1
        try:
            async with asyncio.timeout_at(None if deadline == math.inf else deadline):
                await asyncio.gather(*(self._flush_worker(worker, deadline, is_ending) for worker in self._workers.values()))
        except TimeoutError:
            return False
        finally:
            self._flushes -= 1
            # Another that is under way still wants everything at once.
            for worker in self._workers.values() if not self._flushes else ():
                worker.set_flushing(False)
        return True

    async def _flush_worker(self, worker: DestinationWorker, deadline: float, is_ending: bool) -> None:
        worker.set_flushing(True, is_ending=is_ending)
        # A SystemExit in any task makes asyncio.run cancel every task, ours too, before the bot is closed.
        self._tasks.ensure(worker.name)
        while worker.state in _ACTIVE:
            worker.wake()
            depth = await self._intake.run(self._outbox.depth, worker.name)
            # A newer state of a card that cannot be shown in time is not waited for.
            if depth.entries == 0 and (not worker.has_stale_cards or loop_time() + worker.edit_wait_seconds() > deadline):
                return
            await self._clock.sleep(_FLUSH_POLL_SECONDS)

    def wake(self, names: Collection[str]) -> None:
        """Wake workers by name; unknown names are ignored. Call it on the loop."""
        for name in names:
            if name in self._workers:
                self._workers[name].wake()

    def load(self) -> None:
        """Make workers read the stored state again."""
        for worker in self._workers.values():
            if self._outbox.fleet.name:
                # While this process sends, cards are its own, but other processes make decisions about them.
                worker.look_at_decisions()
            else:
                worker.load()

    def apply_switches(self) -> None:
        """Apply the switches of admins to the workers."""
        for name, worker in self._workers.items():
            worker.is_enabled = name not in self._pipeline.overrides.switched_off
            worker.wake()

    def fallback(self, name: str) -> str | None:
        """Return a working destination for the events of another one; None without."""
        for other in fallbacks(name):
            if other in self._workers and self._workers[other].takes_others:
                return other
        return None

    def tell(self, about: str, text: str, where: str, outage: Outage | None = None) -> str:
        """Show a text in `where` if that works, or in another destination than `about`; returns which one, empty for none.

        The texts of one outage share a card.
        """
        can_take = where in self._workers and self._workers[where].takes_others
        target = where if can_take else self.fallback(about)
        if target is None:
            return ""
        now, text = self._clock.now(), text[:1].upper() + text[1:]
        self._intake.file(target, notice_event(text, now=now) if outage is None else outage_event(text, outage, now=now))
        return target

    def _on_delivered(self, name: str) -> None:
        self.last_delivery = self._clock.monotonic()
        self._pipeline.report_losses(name)
        self._wake_gone()
        if name not in self._reporting:
            # Losses that go on now are reported once their sum is known, even when no other delivery follows.
            self._reporting.add(name)
            self._keep(asyncio.create_task(self._report_later(name), name=f"statsbot_webhooks-losses of {name}"))

    async def _report_later(self, name: str) -> None:
        try:
            await self._clock.sleep(_REPORT_SECONDS)
        finally:
            self._reporting.discard(name)
        self._pipeline.report_losses(name)

    def _wake_gone(self) -> None:
        """Make destinations that are gone look again for one that works."""
        self.wake([name for name, worker in self._workers.items() if worker.state == DestinationState.GONE])

    def find_problems(self) -> Sequence[str]:
        """Return a text for each destination that does not deliver, except for those that are switched off."""
        bad = [
            f"{name} is {worker.state.value}{_next_try(worker)}"
            for name, worker in self._workers.items()
            if worker.state in _BROKEN
        ]
        return bad + [f"the delivery to {name} has ended and is started again" for name in self._tasks.find_ended()]

    def use_bot_proxy(self, proxy: SecretStr | None) -> None:
        """Send through the bot's own proxy, unless the settings name one."""
        self._bot_proxy = proxy
        if self._shared is not None:
            self._shared.transport.configure(self.network)

    async def use_clients(self, clients: Sequence[discord.Client]) -> None:
        """Set the bots that answer the buttons of cards; cards that were posted before get their buttons."""
        self.buttons.clients = tuple(clients)
        if self._shared is not None:
            self._shared.transport.use_client(self.buttons.client)
        for worker in list(self._workers.values()):
            await worker.add_buttons()

    @property
    def network(self) -> Network:
        """The proxy and connection settings of requests."""
        return Network.of(self._pipeline.config, self._bot_proxy)

    def _spawn(self, worker: DestinationWorker, before: asyncio.Task[None] | None = None) -> None:
        async def run() -> None:
            # Exactly one send is in flight for a destination.
            if before is not None and not before.done():
                await asyncio.wait([before])
            await worker.run()

        self._tasks.run(worker.name, run)


def _next_try(worker: DestinationWorker) -> str:
    seconds = worker.next_try_seconds
    return "" if seconds is None else f" (next try in {seconds:.0f} s)"


async def _end(task: asyncio.Task[None]) -> None:
    """Wait until a worker has ended by itself, and cancel it when a message takes too long."""
    try:
        await asyncio.wait([task], timeout=_GRACE_SECONDS)
    finally:
        task.cancel()
        await asyncio.wait([task])
