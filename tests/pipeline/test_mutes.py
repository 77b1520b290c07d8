"""Mutes, levels and switches that admins choose: what is kept back is counted, mutes end, choices outlive a restart."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager
from statsbot_webhooks.events.event import Event, EventKind
from statsbot_webhooks.events.time_text import format_exact_span
from statsbot_webhooks.issues.fingerprint import fingerprint
from statsbot_webhooks.pipeline.mutes import Mute, MuteKind, Mutes, parse_duration
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager


def log(text: str, origin: str = "shop", level: LogLevel = LogLevel.ERROR) -> Event:
    return Event(EventKind.LOG, level, text, 1.0, origin)


def texts(sandbox: Sandbox, name: str) -> str:
    return "\n".join(message.text for message in sandbox.messages(name))


def mute(manager: WebhookManager, kind: MuteKind, target: str, seconds: float = 600) -> Mute:
    now = manager._clock.now()
    return Mute(kind, target, now + seconds, now, "a known outage", "olivia")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10 m", 600), ("1h 30m", 5400), ("2 days", 172800), ("1H", 3600), ("1w", 604800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "0s", "31d", "-5m", "1h nonsense"])
def test_what_is_no_duration_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="write 10m, 1h 30m or 2d"):
        parse_duration(text)


def test_durations_are_shown_in_two_units() -> None:
    assert [format_exact_span(s) for s in (0, 59, 5400, 90061)] == ["0 s", "59 s", "1 h 30 min", "1 d 1 h"]


@pytest.mark.parametrize("kind", list(MuteKind))
async def test_a_mute_counts_what_it_keeps_back_and_ends_with_a_summary(
    sandbox: Sandbox, urls: dict[str, Any], kind: MuteKind
) -> None:
    noisy = log("the noisy one", "shop.cache")
    target = {MuteKind.DESTINATION: "error", MuteKind.LOGGER: "shop", MuteKind.FINGERPRINT: fingerprint(noisy)}[kind]
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0.1)) as manager:
        await manager.admin.mute(mute(manager, kind, target, seconds=1.5))
        for _ in range(3):
            manager.submit(noisy)
        manager.submit(log("another logger", "bot", LogLevel.INFO))
        await sandbox.wait_until(lambda: "another logger" in texts(sandbox, "info"))
        stats = await manager.stats()
        assert (stats.muted, stats.destinations["error"].accepted, stats.balanced) == (3, 0, True)
        await sandbox.wait_until(lambda: "is over" in texts(sandbox, "error"))
        manager.submit(noisy)
        await sandbox.wait_until(lambda: "noisy one" in texts(sandbox, "error"))
    shown = texts(sandbox, "error")
    assert "3 events were muted (3 ERROR; 3 for error)" in shown
    assert "set by olivia, reason: a known outage" in shown


async def test_choices_outlive_a_restart(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0.1)
    async with running_manager(config) as manager:
        await manager.admin.toggle("performance", False)
        await manager.admin.set_level("info", LogLevel.DEBUG)
        await manager.admin.mute(mute(manager, MuteKind.LOGGER, "shop"))
        manager.submit(log("before"))
    async with running_manager(config) as manager:
        manager.submit(log("after"))
        manager.submit(log("fine grained", "bot", LogLevel.DEBUG))
        await sandbox.wait_until(lambda: "fine grained" in texts(sandbox, "info"))
        assert not manager.workers["performance"].is_enabled
        ((_, tally),) = manager.admin.overrides.mutes
        assert tally.destinations == {"error": 2, "info": 2}  # DEBUG for info takes the errors in too
        await manager.admin.set_level("info", None)
        ended = await manager.admin.unmute("logger/shop")
        assert ended is not None
        manager.submit(log("no more debug", "bot", LogLevel.DEBUG))
        manager.submit(log("and at last"))
        await sandbox.wait_until(lambda: "and at last" in texts(sandbox, "error"))
        assert (await manager.stats()).filtered == 1
    assert "before" not in texts(sandbox, "error")


async def test_a_stored_mute_that_cannot_be_read_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    config = WebhookConfig()
    async with running_manager(config) as manager:
        await manager._intake.run(manager._outbox.write_state, {"mute/logger/x": {"kind": "?"}, "level/destination/y": "LOUD"})
    with caplog.at_level(logging.WARNING):
        async with running_manager(config) as manager:
            await manager.stats()
            assert not manager.admin.overrides.levels
            assert not len(manager.admin.overrides.mutes)
    assert "a stored mute cannot be read" in caplog.text


async def test_tail_shows_the_newest_events_redacted(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls)) as manager:
        for number in range(30):
            manager.submit(log(f"password=hunter{number}"))
        manager.submit(log("x" * 100_000))
        await manager._intake.settle()
        newest = manager.admin.overrides.recent_events.newest("error")
        assert len(newest) == 20
        assert len(newest[0].event.message) == 2000
        assert newest[1].event.message == "password=[redacted: password]"
        assert manager.admin.overrides.recent_events.newest("nowhere") == []
        assert len(manager.admin.overrides.recent_events.all()) == 2


@pytest.mark.parametrize("storage", ["memory://", "sqlite:///other.sqlite3"])
async def test_choices_and_events_stay_when_settings_change(sandbox: Sandbox, urls: dict[str, Any], storage: str) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=60, batch_size=100, storage=storage)
    async with running_manager(config) as manager:
        await manager.admin.toggle("error", False)
        await manager.admin.mute(mute(manager, MuteKind.LOGGER, "quiet"))
        for number in range(20):
            manager.submit(log(f"error {number};"))
            manager.submit(log(f"info {number};", level=LogLevel.INFO))
        changing = asyncio.create_task(manager.reconfigure(replace(config, batch_timeout_seconds=0.1)))
        manager.submit(log("while it changes;", level=LogLevel.INFO))
        await changing
        manager.submit(log("after the change;", level=LogLevel.INFO))
        await manager.flush(10)
        assert not manager.workers["error"].is_enabled
        assert len(manager.admin.overrides.mutes) == 1
        await manager.admin.toggle("error", True)
        await manager.flush(10)
        stats = await manager.stats()
    assert (stats.balanced, stats.delivered + stats.folded, stats.accepted) == (True, 42, 42)
    assert sum(books.repeated for books in stats.destinations.values()) == 0
    for text in ("while it changes;", "after the change;"):
        assert text in texts(sandbox, "info")


def test_a_mute_ends_at_its_end_and_not_when_it_is_swept() -> None:
    mutes = Mutes()
    mutes.add(Mute(MuteKind.LOGGER, "shop", until=100.0, since=0.0))
    assert mutes.admit(log("x"), ["error"], 99.9, redacted=False) == ()
    assert mutes.admit(log("x"), ["error"], 100.0, redacted=False) == ("error",)
    assert [mute.target for mute, _ in mutes.end_due(100.0)] == ["shop"]


def test_muting_again_keeps_the_count_and_takes_the_new_end() -> None:
    mutes = Mutes()
    mutes.add(Mute(MuteKind.LOGGER, "shop", until=100.0, since=0.0))
    mutes.admit(log("x"), ["error", "info"], 1.0, redacted=False)
    mutes.add(Mute(MuteKind.LOGGER, "shop", until=200.0, since=50.0, reason="again"))
    ((mute, tally),) = mutes
    assert (mute.until, mute.reason, tally.count) == (200.0, "again", 2)


async def test_other_settings_keep_the_count_of_what_was_muted(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0.1)
    async with running_manager(config) as manager:
        await manager.admin.mute(mute(manager, MuteKind.LOGGER, "shop"))
        manager.submit(log("one"))
        await manager.reconfigure(replace(config, batch_size=7))
        manager.submit(log("two"))
        await manager.flush(5)
        ((_, tally),) = manager.admin.overrides.mutes
        assert tally.count == 2
        assert (await manager.stats()).muted == 2


def test_a_logger_that_starts_with_the_same_letters_is_not_muted() -> None:
    mutes = Mutes()
    mutes.add(Mute(MuteKind.LOGGER, "shop", until=100.0, since=0.0))
    assert mutes.admit(log("x", "shopping"), ["error"], 1.0, redacted=False) == ("error",)
    assert mutes.admit(log("x", "shop.cart"), ["error"], 1.0, redacted=False) == ()


async def test_levels_of_two_loggers_hold_beside_each_other(urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls)) as manager:
        admin = manager.admin
        await admin.set_logger_level("shop", LogLevel.DEBUG)
        await admin.set_logger_level("shop.till", LogLevel.ERROR)
        assert admin.overrides.logger_levels == {"shop": LogLevel.DEBUG, "shop.till": LogLevel.ERROR}
        await admin.set_logger_level("shop", None)
        assert admin.overrides.logger_levels == {"shop.till": LogLevel.ERROR}
        await admin.set_level("info", LogLevel.WARNING)
        await admin.set_level("error", LogLevel.CRITICAL)
        assert admin.overrides.levels == {"info": LogLevel.WARNING, "error": LogLevel.CRITICAL}
