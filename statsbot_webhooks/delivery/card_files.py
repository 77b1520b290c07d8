"""Files of a card's message, which hold the texts that the card no longer keeps. Pure.

A file is uploaded once, and later edits keep it by its id. Sending is up to `card_appender`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..events.event import Event
from ..formatting.embeds import WHOLE_FILE
from ..formatting.message import FileAttachment, WebhookMessage
from .card import MOVE_AFTER_SECONDS, Card, shown_whole
from .outcome import SentFile

# Discord takes ten files per message: one is for the newest texts, one is left for a file of the newest event.
MOST_FILES: Final = 8
_ALL_FILES: Final = 10
_MOST_BYTES: Final = 8 * 1024 * 1024
# Up to this size the last file is replaced by a longer one; then another file begins.
_GROWING_BYTES: Final = 1024 * 1024
_MOST_GROWING: Final = 4


class GrowingFiles:
    """The few cards that keep the content of their last file in memory, so that it can grow."""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def note(self, key: str, card: Card) -> list[str]:
        """Note a card; returns the keys of the cards that must forget the content of their last file."""
        keys = [*(other for other in self._keys if other != key), *([key] if card.tail else [])]
        self._keys = keys[-_MOST_GROWING:]
        return keys[:-_MOST_GROWING]


@dataclass(frozen=True, slots=True)
class Grown:
    """A card with more texts than it can keep, the message that shows it, the files that stay, and the new file."""

    card: Card
    message: WebhookMessage
    kept: tuple[tuple[int, int], ...]
    file: FileAttachment

    @property
    def exchanges(self) -> bool:
        """Whether the new file replaces the last one, whose content it begins with."""
        return len(self.kept) < len(self.card.files)


def has_room(card: Card, event: Event) -> bool:
    """Whether the card's message has room for the files of one more event."""
    return not card.files or len(card.files) + len(event.files) < _ALL_FILES


def takes_more(card: Card | None, now: float) -> bool:
    """Whether files can be added to a card's message."""
    return card is not None and card.can_be_edited(now, MOVE_AFTER_SECONDS) and len(card.files) < MOST_FILES


def grow(card: Card, message: WebhookMessage) -> Grown | None:
    """Put all texts of a card into a lasting file; `None` when its message has no room for it.

    `message` shows the card; texts that it does not show itself are in its file `WHOLE_FILE`.
    """
    whole = _whole_file(message)
    if whole is None:
        return None
    kept, data = card.files, whole.data
    if card.tail and len(card.tail) + len(data) <= _GROWING_BYTES:
        kept, data = kept[:-1], card.tail + data
    others = tuple(file for file in message.files if file is not whole)
    is_full = len(kept) >= MOST_FILES or len(kept) + len(others) + 1 >= _ALL_FILES
    if is_full or sum(size for _, size in kept) + len(data) > _MOST_BYTES:
        return None
    file = FileAttachment(_name(len(kept) + 1), data)
    return Grown(card, replace(message, files=(*others, file)), kept, file)


def filed(
    card: Card, kept: tuple[tuple[int, int], ...], file: FileAttachment, sent: Iterable[SentFile], now: float
) -> Card | None:
    """Return the card once Discord's answer `sent` lists the file with all its texts; `None` when it does not."""
    ids = [known.id for known in sent if known.name == file.filename and known.id not in {file_id for file_id, _ in kept}]
    if len(ids) != 1:
        return None
    shown = shown_whole(card, now)
    tail = file.data if len(file.data) < _GROWING_BYTES else b""
    files = (*kept, (ids[0], len(file.data)))
    return replace(shown, texts=(), files=files, filed=card.filed + len(shown.texts), tail=tail, is_doubted=False)


def filed_when_posted(card: Card, message: WebhookMessage | None, sent: Sequence[SentFile], now: float) -> Card | None:
    """Return the card of a new message whose file holds all its texts; `None` without such a file."""
    whole = None if message is None else _whole_file(message)
    return None if whole is None or len(whole.data) > _MOST_BYTES else filed(card, (), whole, sent, now)


def beside_files(card: Card, message: WebhookMessage) -> WebhookMessage:
    """Return the message of a card with its file renamed, so that it does not clash with the files that stay."""
    if not card.files:
        return message
    name = _name(len(card.files) + 1)
    files = [replace(file, filename=name) if file.filename == WHOLE_FILE else file for file in message.files]
    return replace(message, files=tuple(files))


def _name(number: int) -> str:
    return WHOLE_FILE if number == 1 else f"{WHOLE_FILE.removesuffix('.txt')}-{number}.txt"


def _whole_file(message: WebhookMessage) -> FileAttachment | None:
    return next((file for file in message.files if file.filename == WHOLE_FILE), None)
