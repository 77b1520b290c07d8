"""Requests that count towards Discord's ban of an address."""

from __future__ import annotations

import pytest

from statsbot_webhooks.delivery.callbacks import Pause
from statsbot_webhooks.delivery.invalid_requests import InvalidRequests
from statsbot_webhooks.delivery.response_headers import WebhookResponse, parse_response

from ..clocks import SkippingClock


@pytest.mark.parametrize(
    ("status", "headers", "counts"),
    [
        (401, {}, True),
        (403, {}, True),
        (429, {"X-RateLimit-Scope": "user"}, True),
        (429, {}, True),
        (429, {"X-RateLimit-Scope": "shared"}, False),
        (404, {}, False),
        (400, {}, False),
        (200, {}, False),
        (500, {}, False),
    ],
)
def test_what_counts(status: int, headers: dict[str, str], counts: bool) -> None:
    requests = InvalidRequests(500, SkippingClock(), Pause(), str)
    requests.note(parse_response("info", "POST", status, headers))
    assert requests.count == int(counts)


def test_at_the_limit_everything_stops_and_it_is_said_once() -> None:
    clock, pause, said = SkippingClock(), Pause(), list[str]()
    requests = InvalidRequests(4, clock, pause, said.append)
    for _ in range(3):
        requests.note(WebhookResponse("info", "POST", 403))
    assert (pause.until, said) == (0.0, [])
    for _ in range(3):
        requests.note(WebhookResponse("info", "POST", 403))
    assert 590 < pause.until - clock.monotonic() <= 600
    assert len(said) == 1
    assert "WEBHOOK_MAX_INVALID_REQUESTS=4" in said[0]
    clock.shift = 601
    assert requests.count == 0
