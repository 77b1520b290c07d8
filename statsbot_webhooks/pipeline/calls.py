"""Calls from an event loop to the intake's thread, and the way back of their results. No queue, no thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import NotRunningError

_T = TypeVar("_T")


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class IntakeCall:
    """A call for the thread; `fail` is called instead when the thread ends without having run it."""

    work: Callable[[], object]
    fail: Callable[[], object] = _nothing


def answering_call(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[_T], function: Callable[..., _T], *args: Any
) -> IntakeCall:
    """Return a call that always settles the future, with the result of `function(*args)` or an exception."""

    def work() -> None:
        try:
            result = function(*args)
        except Exception as error:  # noqa: BLE001 - a guard: it is raised in the caller, on its own thread
            post_result(loop, future, None, error)
        except BaseException:
            fail()
            raise
        else:
            post_result(loop, future, result, None)

    def fail() -> None:
        post_result(loop, future, None, NotRunningError("the thread that owns the storage has ended"))

    return IntakeCall(work, fail)


def post_result(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    """Hand a result to the loop; nothing happens when that is closed, as in a program that ends without closing its bot."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
