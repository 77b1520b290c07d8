"""What an answer says in numbers: what is none is as if it were missing."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from statsbot_webhooks.delivery.response_headers import parse_response, read_seconds
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.rest.rules import Verdict

from ..conftest import running_manager
from ..scenarios.test_faults import config, looked_up


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1.5", 1.5),
        (0, 0.0),
        (3600, 3600.0),
        ("inf", 86_400.0),
        (math.inf, 86_400.0),
        (1e12, 86_400.0),
        *((value, None) for value in ("soon", -5, "nan", math.nan, None, [], 10**400)),
    ],
)
def test_how_long_nothing_may_be_sent(value: object, seconds: float | None) -> None:
    assert read_seconds(value) == seconds


def test_a_limit_that_is_no_number_is_none() -> None:
    answer = parse_response("info", "POST", 200, {"X-RateLimit-Limit": "inf", "X-RateLimit-Remaining": "-1", "Retry-After": "x"})
    assert (answer.limit, answer.remaining, answer.retry_after) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "reset"),
    [
        *((value, "1e300") for value in ("nan", "inf", "1e300", "-5", "-inf", "soon", "86400")),
        *(("", reset) for reset in ("1e300", "nan", "x")),
        *((None, reset) for reset in ("1e300", "-1", None)),
    ],
)
async def test_an_odd_time_of_the_reset_holds_up_nothing(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch, value: str | None, reset: str | None
) -> None:
    """discord.py would sleep until then, or raise, after the message was taken."""
    said = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": value, "X-RateLimit-Reset": reset}
    headers = {name: text for name, text in said.items() if text is not None}
    monkeypatch.setattr(Verdict, "headers", lambda *_: headers)
    async with running_manager(config(urls)) as manager:
        async with asyncio.timeout(60):
            for text in ("the shop is closed", "no road leads there"):
                await manager.send_log("ERROR", text)
                await sandbox.wait_for_message("error", text)
            await manager.flush()
        stats = await manager.stats()
        assert (stats.delivered, stats.pending, stats.lost, manager.workers["error"].last_error) == (2, 0, 0, "")
    assert len(sandbox.messages("error")) == 2


async def test_an_endless_limit_is_looked_at_again_after_a_day(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", "429_global", delay=math.inf)
        await manager.send_log("INFO", "waits")
        await sandbox.wait_until(lambda: manager.workers["info"].next_try_seconds)
        assert 0 < (manager.workers["info"].next_try_seconds or 0.0) <= 86_400.0
        sandbox.heal("info")
        await manager.stop(0)
