"""A Redis that refuses is named with the setting, never with a secret; events wait in the file of the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from statsbot_webhooks.config import WebhookConfig
from statsbot_webhooks.errors import ConfigError, StorageError
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.storage import make_outbox, open_existing

from ..redis_server import RedisServer, needs_redis


@pytest.fixture
def locked() -> Iterator[RedisServer]:
    server = RedisServer().start()
    server.client().config_set("requirepass", "right-secret")
    yield server
    server.remove()


@needs_redis
def test_a_wrong_password_is_told_without_it(locked: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    url = f"unix://:wrong-secret@{locked.socket}?prefix=test"
    outbox = make_outbox(url, 10, lambda _: None)
    outbox.open()
    try:
        outbox.put([("a", Event(EventKind.LOG, LogLevel.INFO, "waits", 1.0))])
        assert (outbox.fleet.term, outbox.is_displaced, outbox.is_durable) == (None, True, True)
        assert outbox.depth("a").entries == 1
    finally:
        outbox.close()
    assert "WEBHOOK_STORAGE" in caplog.text
    assert caplog.text.count("refuses the user name or the password") == 1
    with pytest.raises(StorageError, match="refuses the user name or the password") as error:
        open_existing(url)
    assert "secret" not in caplog.text + str(error.value)
    again = make_outbox(url.replace("wrong", "right"), 10, lambda _: None)
    again.open()
    assert [entry.event.message for entry in again.claim("a", 5)] == ["waits"]
    again.close()


@pytest.mark.parametrize("policy", ["noeviction", "allkeys-lru", "allkeys-random"])
def test_a_server_that_may_delete_waiting_events_is_warned_of(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture, policy: str
) -> None:
    redis_server.client().config_set("maxmemory-policy", policy)
    outbox = make_outbox(redis_server.url(), 10, lambda _: None)
    try:
        outbox.open()
        # It is used all the same.
        assert not outbox.is_displaced
    finally:
        outbox.close()
        redis_server.client().config_set("maxmemory-policy", "noeviction")
    warning = f"may delete waiting events (maxmemory-policy {policy}): set noeviction"
    assert caplog.text.count(warning) == (policy != "noeviction")
    assert caplog.text.count("maxmemory-policy") == caplog.text.count(warning)


@pytest.mark.parametrize("url", ["redis://:secret@ho st/0", "redis://h:99999", "redis://h?preffix=secret", "redis+sentinel://h"])
def test_a_bad_url_is_told_without_it(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        WebhookConfig(storage=url)
    assert "secret" not in str(error.value)
