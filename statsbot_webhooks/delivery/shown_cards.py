"""Shown cards: which card a message is, and what its buttons ask for, for those who answer presses and commands.

Decisions about cards are made in `admin.py`; `card_editor` and `message_sender` edit and send them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, cast

from ..events.event import Event
from ..events.folding import from_state
from ..formatting.message import WebhookMessage
from ..pipeline.assembly import Pipeline
from .button_ids import Press
from .worker_pool import WorkerPool


class ShownCards:
    """Find cards by their messages, in memory and in the storage."""

    def __init__(self, pipeline: Pipeline, pool: WorkerPool) -> None:
        self._pipeline = pipeline
        self._intake = pipeline.intake
        self._outbox = pipeline.outbox
        self._pool = pool
        self._buttons = pool.buttons

    def is_genuine(self, custom_id: str, webhook_id: int, application_id: int) -> bool:
        """Whether a button is genuine by the keys in memory; `read_press` also asks the storage."""
        return self._buttons.read(custom_id, webhook_id, application_id) is not None

    async def read_press(self, custom_id: str, webhook_id: int, application_id: int) -> Press | None:
        """Return what a pressed button asks for; None for one that is not genuine."""

        def read() -> Press | None:
            press = self._buttons.read(custom_id, webhook_id, application_id)
            if press is None:
                # Another process may have opened this storage in the same moment, and stored the key that is valid.
                self._pipeline.button_keys.load(self._outbox)
                press = self._buttons.read(custom_id, webhook_id, application_id)
            return press

        # On the intake's thread, because a press may come before the storage is open.
        return await self._intake.run(read)

    async def find_pressed(self, message_id: int) -> tuple[str, Event] | None:
        """Return the key and the newest event of the card that a message shows; None when it is no longer known."""
        for worker in self._pool.workers.values():
            if (key := worker.cards.key_of(message_id)) and (event := worker.cards.event_of(key)) is not None:
                return key, event
        # Otherwise another process of the fleet may own the card.
        return await self.find_card(message_id) if self._outbox.fleet.has_others else None

    async def find_card(self, message_id: int) -> tuple[str, Event] | None:
        """Return the key and the newest event of the stored card that a message shows; None when the message is no card."""
        for _, key, card in await self._stored():
            if card.get("message_id") == message_id:
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    return key, from_state(card["fold"]).event
        return None

    async def _stored(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the stored cards, each as destination, key and state."""
        rows = await self._intake.run(self._outbox.read_state, "card/")
        known = [(name.split("/", 2), cast("dict[str, Any]", state)) for name, state in rows.items() if isinstance(state, dict)]
        return [(destination, key, card) for (_, destination, key), card in known]

    def answer_to_press(self, key: str, event: Event | None, webhook_id: int, application_id: int) -> WebhookMessage:
        """Return the note and the buttons that the message of a pressed card gets.

        The answer to a press may edit the message at once, outside of the channel's budget and however old it is.
        """
        state = self._pool.states.of(key, event)
        cards = (worker.cards.remark_of(key) for worker in self._pool.workers.values() if worker.destination.url.id == webhook_id)
        note = state.note or next(filter(None, cards), "")
        return WebhookMessage(f"**{note}**" if note else None, buttons=self._buttons.make(state, webhook_id, application_id))

    async def places_of_issue(self, fingerprint: str) -> Mapping[str, tuple[int, int]]:
        """Return where the newest card of an issue is: channel id and message id, by destination."""
        found: dict[str, tuple[int, int]] = {}
        for name, key, card in await self._stored():
            worker = self._pool.workers.get(name)
            if key != f"error-{fingerprint}" or worker is None:
                continue
            message_id, channel_id = card.get("message_id"), card.get("thread_id") or worker.channel_id
            if message_id and channel_id:
                found[name] = (channel_id, message_id)
        return found
