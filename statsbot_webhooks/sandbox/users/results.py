"""What a bot answered to a user: the record that the server keeps of it, and the result that a test looks at."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ..rest.errors import JSON, part, parts

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
EPHEMERAL: Final = 64


@dataclass(slots=True)
class Record:
    """One interaction: its callback, and the messages that answered it, the original one first.

    `started` is when it was sent (monotonic seconds), `source` the message whose component was used, `payload` what the
    bot received.
    """

    id: str
    kind: int
    channel_id: int
    user: JSON
    name: str
    started: float
    source: JSON | None = None
    payload: JSON = field(default_factory=dict[str, object])
    callback: JSON | None = None
    messages: list[JSON] = field(default_factory=list[JSON])

    @property
    def is_answered(self) -> bool:
        return self.callback is not None and (self.callback["type"] != DEFERRED or bool(self.messages))

    @property
    def is_update(self) -> bool:
        """Whether the answer is a change of the message that the component is in."""
        return self.callback is not None and self.callback["type"] in (DEFERRED_UPDATE, UPDATE)


@dataclass(frozen=True, slots=True)
class InteractionResult:
    """What a bot answered to a user. `message` is its last message, or the changed one, as Discord shows it.

    `modal` is the form that the bot opened, empty when it opened none; `updated` says that the answer was a change of
    the message that the component is in.
    """

    id: str
    acknowledged: bool
    deferred: bool
    updated: bool
    ephemeral: bool
    content: str
    embeds: list[JSON]
    choices: list[JSON]
    modal: JSON
    message: JSON

    @property
    def text(self) -> str:
        return "\n".join([self.content, *embed_texts(self.embeds)])


def embed_texts(embeds: Iterable[JSON]) -> Iterator[str]:
    """Yield every text of embeds."""
    for embed in embeds:
        yield part(embed.get("author")).get("name") or ""
        yield embed.get("title") or ""
        yield embed.get("description") or ""
        for item in parts(embed.get("fields")):
            yield f"{item['name']}\n{item['value']}"
        yield part(embed.get("footer")).get("text") or ""


def result_of(record: Record) -> InteractionResult:
    """Return what has been answered so far; later answers leave the result alone."""
    callback = record.callback or {"type": 0}
    kind, data = callback["type"], part(callback.get("data"))
    shown = record.messages[-1] if record.messages else record.source if record.is_update else None
    last = copy.deepcopy(shown or {})
    return InteractionResult(
        id=record.id,
        acknowledged=record.callback is not None,
        deferred=kind in (DEFERRED, DEFERRED_UPDATE),
        updated=record.is_update,
        ephemeral=bool(last.get("flags", data.get("flags") or 0) & EPHEMERAL),
        content=last.get("content", ""),
        embeds=last.get("embeds", []),
        choices=data.get("choices") or [],
        modal=data if kind == MODAL else {},
        message=last,
    )
