"""What a program says about everything that happens within a block: `with webhook_context(order=17)`. Pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from .event import to_plain

_NOTHING: Final[Mapping[str, Any]] = {}
ambient: ContextVar[Mapping[str, Any]] = ContextVar("statsbot_webhooks_context", default=_NOTHING)


@contextmanager
def webhook_context(**values: object) -> Generator[None, None, None]:
    """Show values with every event of this block, and of the tasks that it starts; what an event says itself comes first.

    Values are read at once. Blocks may be nested.
    """
    plain: dict[str, Any] = to_plain(values)
    token = ambient.set({**ambient.get(), **plain})
    try:
        yield
    finally:
        ambient.reset(token)
