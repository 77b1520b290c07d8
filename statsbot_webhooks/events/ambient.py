"""What a program says about everything that happens within a block: `with webhook_context(order=17)`. Pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from .persons import plain_with_persons
from .tracebacks import chain_of, leaves

_NOTHING: Final[Mapping[str, Any]] = {}
# Where an exception that left a block keeps the block's values: it is mostly caught where they hold no more.
_KEY: Final = "_statsbot_webhooks_context"
ambient: ContextVar[Mapping[str, Any]] = ContextVar("statsbot_webhooks_context", default=_NOTHING)


@contextmanager
def webhook_context(**values: object) -> Generator[None, None, None]:
    """Show values with every event of this block, and of the tasks that it starts; what an event says itself comes first.

    Values are read at once. Blocks may be nested.
    """
    token = ambient.set({**ambient.get(), **plain_with_persons(values)})
    try:
        yield
    except BaseException as error:
        # The innermost block knows the values of those around it.
        vars(error).setdefault(_KEY, ambient.get())
        raise
    finally:
        ambient.reset(token)


def context_of(error: BaseException) -> Mapping[str, Any]:
    """Return what holds here, and what held where an exception was raised, those that led to it, and those of its group."""
    values = dict(ambient.get())
    for each in (*reversed(chain_of(error)), error):
        values |= vars(each).get(_KEY, _NOTHING)
    parts = [vars(each).get(_KEY, _NOTHING) for each in leaves(error)]
    for key in dict.fromkeys(key for part in parts for key in part):
        said = [part[key] for part in parts if key in part]
        values[key] = said if any(each != said[0] for each in said) else said[0]
    return values
