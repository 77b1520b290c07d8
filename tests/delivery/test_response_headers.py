"""What an answer says in numbers: what is none is as if it were missing."""

from __future__ import annotations

import math
from typing import Any

import pytest

from statsbot_webhooks.delivery.response_headers import parse_response, read_seconds
from statsbot_webhooks.sandbox import Sandbox

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


async def test_an_endless_limit_is_looked_at_again_after_a_day(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await looked_up(sandbox)
        sandbox.fault("info", "429_global", delay=math.inf)
        await manager.send_log("INFO", "waits")
        await sandbox.wait_until(lambda: manager.workers["info"].next_try_seconds)
        assert 0 < (manager.workers["info"].next_try_seconds or 0.0) <= 86_400.0
        sandbox.heal("info")
        await manager.stop(0)
