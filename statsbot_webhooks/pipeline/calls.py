"""Calls from an event loop into the intake's thread, and their answers on the way back."""

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
    """Something to do on the thread; `fail` is called instead when the thread ends without having done it."""

    work: Callable[[], object]
    fail: Callable[[], object] = _nothing


def answering_call(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[_T], function: Callable[..., _T], *args: Any
) -> IntakeCall:
    """Return a call whose result, or exception, the future gets; always one of them."""

    def work() -> None:
        try:
            result = function(*args)
        except Exception as error:  # noqa: BLE001 - a guard: the caller gets it, on its own thread
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
    """Hand a result to the loop, if it still turns: a program may end without closing its bot, and the thread goes on."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
