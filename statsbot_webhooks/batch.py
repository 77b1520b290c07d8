"""Which of the waiting entries leave together, and in which presentation. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import limits
from .fold import Fold
from .message_formatter import Attachment, MessageFormatter, WebhookMessage, mark
from .storage import Entry

# As many as one digest may hold; more would make its file slow to read and to build.
MAX_ENTRIES = 2000


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries that one message shows, and those that did not fit into it."""

    entries: Sequence[Entry]
    rest: Sequence[Entry]
    message: WebhookMessage


class Batcher:
    """Build the next message of a destination from what waits."""

    def __init__(self, formatter: MessageFormatter, *, batch_size: int, batch_timeout_seconds: float) -> None:
        self._formatter = formatter
        self._batch_size = batch_size
        self._timeout = batch_timeout_seconds

    def wait_seconds(self, entries: int, urgent: int, oldest: float | None, now: float) -> float | None:
        """Return how long the next batch may still wait: 0 when it is due, `None` when nothing waits."""
        if not entries or oldest is None:
            return None
        if urgent or entries >= self._batch_size:
            return 0.0
        # A clock that was set back must not make events wait longer than the timeout.
        return min(max(oldest + self._timeout - now, 0.0), self._timeout)

    def build(self, entries: Sequence[Entry], *, note: str = "", batch_id: str = "") -> Batch:
        """Choose cards while one message may hold them, else a digest with every event in its file.

        `note` is a line that stands above the rest; `batch_id` is shown small, so that a message that is sent again can be told.
        """
        events = [entry.event for entry in entries]
        build = self._formatter.format_cards if len(events) <= limits.EMBEDS else self._formatter.format_digest
        message, taken = build(events)
        return Batch(entries[:taken], entries[taken:], mark(message, note, batch_id))

    def build_card(self, fold: Fold, *, note: str = "", batch_id: str = "") -> WebhookMessage:
        """Return the message of a card that is kept up to date, with the files of its newest event."""
        message, _ = self._formatter.format_cards([fold.event])
        files = [Attachment(file.name, file.data or file.text.encode("utf-8", "replace")) for file in fold.event.files]
        return mark(replace(message, files=(*message.files, *files)), note, batch_id)
