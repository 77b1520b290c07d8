"""Any value in any place of any call that takes events: it costs itself only, raises nothing odd, and what follows is shown."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..redis_server import RedisServer


class Unreadable:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __bool__(self) -> bool:
        raise RuntimeError("bool")


class OddText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("str")

    def __format__(self, _spec: str) -> str:
        raise RuntimeError("format")

    def __len__(self) -> int:
        raise RuntimeError("len")


class OddNumber(int):
    def __float__(self) -> float:
        raise RuntimeError("float")

    def __truediv__(self, _other: object) -> float:
        raise RuntimeError("division")


class OddClass:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError("class")


VALUES: tuple[Any, ...] = (
    *(None, True, 10**400, -(10**5000), float("nan"), float("inf"), OddNumber(5), b"bytes", "\ud800", "²", "x" * 20_000),
    *(Unreadable(), OddText("x"), OddClass(), [], {1: Unreadable()}, {2}, (1, 2), memoryview(b"x"), range(3), object, len),
)
FIELDS = [field.name for field in fields(Event) if field.name not in ("kind", "level", "message", "time")]


def calls(manager: WebhookManager, odd: Any) -> dict[str, Callable[[], Any]]:
    send, alert, member = manager.send_log, manager.send_performance_alert, manager.send_member_event
    base = (EventKind.LOG, LogLevel.INFO, "an event", time.time())

    def submit(*arguments: Any, **named: Any) -> None:
        manager.submit(Event(*arguments, **named))

    return {
        "log level": lambda: send(odd, "text"),
        "log message": lambda: send("INFO", odd),
        "log context": lambda: send("INFO", "text", value=odd),
        "error": lambda: manager.send_error(odd),
        "error argument": lambda: manager.send_error(ValueError(odd)),
        "error context": lambda: manager.send_error(ValueError("x"), user=odd, guild=odd, command=odd),
        "metric": lambda: alert(odd, 2, 1),
        "value": lambda: alert("cpu", odd, 1),
        "threshold": lambda: alert("cpu", 1, odd),
        "alert context": lambda: alert("cpu", 2, 1, level=odd, unit=odd),
        "member event": lambda: member(odd, 1, "name"),
        "member id": lambda: member("join", odd, "name"),
        "member name": lambda: member("join", 1, odd),
        "member context": lambda: member("join", 1, "name", guild_id=odd, avatar_url=odd),
        "submit": lambda: manager.submit(odd),
        **{f"event: {number}": lambda n=number: submit(*base[:n], odd, *base[n + 1 :]) for number in range(len(base))},
        **{f"event: {name}": lambda n=name: submit(*base, **{n: odd}) for name in FIELDS},
    }


@pytest.mark.slow
# By their places: pytest itself cannot bear some of them.
@pytest.mark.parametrize("place", range(len(VALUES)), ids=[type(value).__name__ for value in VALUES])
async def test_an_odd_value_costs_itself_only(sandbox: Sandbox, urls: dict[str, Any], place: int) -> None:
    await _cost_of(VALUES[place], sandbox, WebhookConfig(**urls, batch_timeout_seconds=0, storage="memory://"))


@pytest.mark.slow
@pytest.mark.real_time
@pytest.mark.parametrize("place", range(len(VALUES)), ids=[type(value).__name__ for value in VALUES])
async def test_nor_does_it_cost_more_in_redis(
    sandbox: Sandbox, urls: dict[str, Any], redis_server: RedisServer, place: int
) -> None:
    await _cost_of(VALUES[place], sandbox, WebhookConfig(**urls, batch_timeout_seconds=0, storage=redis_server.url()))


async def _cost_of(odd: Any, sandbox: Sandbox, config: WebhookConfig) -> None:
    logging.disable(logging.CRITICAL)
    try:
        async with running_manager(config) as manager:
            refused: list[str] = []
            for name, call in calls(manager, odd).items():
                try:
                    answer = call()
                    if inspect.isawaitable(answer):
                        await answer
                except (TypeError, ValueError):
                    refused.append(name)
            manager.submit(Event(EventKind.LOG, LogLevel.INFO, "after all of it", time.time()))
            await sandbox.wait_until(
                lambda: any("after all of it" in message.text + str(message.attachments) for message in _messages(sandbox)), 60
            )
            stats = await manager.stats()
            letters = await manager.dead_letters()
    finally:
        logging.disable(logging.NOTSET)
    # What is documented: a level or an error that is none.
    assert set(refused) <= {"log level", "error"}
    assert stats.balanced
    # Only what is no event at all is refused; nothing is too odd to be laid out.
    assert stats.refused <= 1
    assert [letter.reason for letter in letters] == []


def _messages(sandbox: Sandbox) -> list[Any]:
    return sandbox.messages("info")
