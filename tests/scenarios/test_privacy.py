"""Persons: one pseudonym each, over restarts; and nothing of them is left when they are forgotten or their time is over."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import CoroutineType
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager, load_webhook_config, webhook_context
from statsbot_webhooks.capture.breadcrumbs import trail
from statsbot_webhooks.cli import main
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.delivery import forgetting
from statsbot_webhooks.events.accounting import Counters
from statsbot_webhooks.events.event import Event, EventKind, Person
from statsbot_webhooks.pipeline.mutes import Mute, MuteKind
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage import Forgotten, SqliteOutbox, open_existing
from statsbot_webhooks.storage.maintenance import Upkeep

from ..clocks import SkippingClock
from ..conftest import everything_stored, running_bot, running_manager

ANNA, BOB = 111111111111111111, 222222222222222222
NOW = SystemClock().now()


def joined(user_id: int, name: str, **values: object) -> Event:
    return Event(
        EventKind.MEMBER,
        LogLevel.INFO,
        f"<@{user_id}> {name} joined, invited by <@333333333333333333>",
        NOW,
        "join",
        {
            "member_id": str(user_id),
            "username": name,
            "guild_id": 444444444444444444,
            "note": f"ids {user_id} and 555555555555555555",
        },
        persons=(Person(user_id, (name,)),),
        avatar_url=f"https://cdn.discordapp.com/avatars/{user_id}/a.png",
        **values,  # type: ignore[arg-type]
    )


async def shown(sandbox: Sandbox, config: WebhookConfig) -> str:
    before = len(sandbox.messages("member_events"))
    async with running_manager(config) as manager:
        manager.submit(joined(ANNA, "anna"))
        manager.submit(joined(BOB, "bob"))
        await manager.flush(10)
    return json.dumps([message.raw for message in sandbox.messages("member_events")[before:]])


async def test_the_levels_of_masking(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0)
    off = await shown(sandbox, config)
    assert all(part in off for part in (str(ANNA), "anna", "bob", "avatars", "555555555555555555"))
    for name, changes in (("ids", {"mask_level": "ids"}), ("full", {"mask_level": "full"}), ("full", {"mask_user_ids": True})):
        text = await shown(sandbox, replace(config, **changes))
        assert not any(part in text for part in (str(ANNA), str(BOB), "333333333333333333", "avatars")), name
        assert ("anna" in text) == (name == "ids")
        assert "444444444444444444" in text
    assert str(ANNA) in await shown(sandbox, replace(config, mask_user_ids=True, mask_level="off"))
    assert "mask_key" in everything_stored()


async def test_a_person_keeps_the_name_over_restarts(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, mask_user_ids=True)
    names = [set(re.findall(r"user-[0-9a-f]{6}", await shown(sandbox, config))) for _ in range(2)]
    assert names[0] == names[1]
    # anna, bob, who invited them, and the other number.
    assert len(names[0]) == 4
    os.remove("statsbot_webhooks.sqlite3")
    assert not names[0] & set(re.findall(r"user-[0-9a-f]{6}", await shown(sandbox, config)))


def test_the_level_is_a_setting() -> None:
    assert load_webhook_config({"WEBHOOK_MASK_LEVEL": " IDS "}).mask_level == "ids"
    with pytest.raises(Exception, match="WEBHOOK_MASK_LEVEL"):
        load_webhook_config({"WEBHOOK_MASK_LEVEL": "some"})


def expired() -> str:
    path = Path("statsbot_webhooks.sqlite3.expired.jsonl")
    return path.read_text() if path.exists() else ""


class _LaterClock(SystemClock):
    """The system's clock, some hours ahead."""

    def __init__(self, hours: float) -> None:
        self._hours = hours

    def now(self) -> float:
        return super().now() + self._hours * 3600


def in_channel(sandbox: Sandbox) -> str:
    return "".join(message.text + "".join(file.text for file in message.attachments) for message in sandbox.messages("error"))


async def fill(sandbox: Sandbox, manager: WebhookManager) -> None:
    """A card, a dead letter, an expired event and a waiting event of each person."""
    for user_id, name in ((ANNA, "anna"), (BOB, "bob")):
        manager.submit(joined(user_id, name, card=f"member/{user_id}"))
    await manager.flush(10)
    sandbox.fault("member_events", "400", times=2)
    for user_id, name in ((ANNA, "anna"), (BOB, "bob")):
        manager.submit(joined(user_id, name))
        await manager.flush(10)
    assert len(await manager.dead_letters()) == 2
    manager.workers["member_events"].is_enabled = False
    for user_id, name in ((ANNA, "anna"), (BOB, "bob")):
        manager.submit(replace(joined(user_id, name), time=NOW - 200 * 3600))
    await manager._intake.settle()
    await manager._intake.run(manager._pipeline.upkeep.expire, manager._outbox)
    for user_id, name in ((ANNA, "anna"), (BOB, "bob")):
        manager.submit(joined(user_id, name))
    await manager._intake.settle()


async def test_a_member_in_a_log_record_is_masked_by_name(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_MASK_USER_IDS", "true")
    env.setenv("WEBHOOK_LOG_LEVEL", "INFO")
    log = logging.getLogger("shop")
    async with running_bot(sandbox) as bot:
        number = sandbox.join("zannaq")
        sandbox.rename(number, "Zannaq's O'Nick")
        guild = bot.guilds[0]
        await sandbox.wait_until(lambda: (m := guild.get_member(number)) is not None and m.nick is not None)
        member = guild.get_member(number)
        assert member is not None
        manager: WebhookManager = bot.get_cog("Webhooks").manager  # type: ignore[union-attr]
        for text in ("no stock for %s", "%r", "%(who)s", "%s"):
            log.error(text, {"who": member} if "(" in text else member if text != "%s" else member._user)
            log.info(f"info: {text}", {"who": member} if "(" in text else member)
        log.error("two", extra={"who": member, "list": [member]})
        log.error(f"shown as {member!r} and {[member]!r}")
        await manager.send_log(LogLevel.ERROR, "sent by zannaq", whom=member)
        await manager.send_error(ValueError("of zannaq"), buyer=member)
        log.error("logged in as %s", bot.user)
        log.error("with what came before")
        with webhook_context(visitor=member):
            log.error("a visit of zannaq")
            await manager.send_log(LogLevel.ERROR, "zannaq says")
        try:
            with webhook_context(visitor=member):
                raise KeyError("the basket of zannaq")
        except KeyError as error:
            await manager.send_error(error)
            log.exception("lost")
        await manager.flush(20)
        stored, name, own = everything_stored(), manager._pipeline.redactor.pseudonym(number), str(bot.user)
    assert f"logged in as {own}" in stored, "the bot itself is no person"
    shown = json.dumps([message.raw for message in sandbox.messages("error")]) + in_channel(sandbox)
    for text in (stored, shown):
        assert name in text
        assert str(number) not in text
        assert "annaq" not in text.replace("\\", "")


@pytest.mark.parametrize("mask", [False, True])
async def test_a_person_is_forgotten(sandbox: Sandbox, urls: dict[str, Any], mask: bool) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, mask_user_ids=mask)
    async with running_manager(config) as manager:
        await fill(sandbox, manager)
        anna, bob = (manager._pipeline.redactor.pseudonym(who) if mask else str(who) for who in (ANNA, BOB))
        assert anna in everything_stored()
        recent = manager._pipeline.overrides.recent_events
        assert anna in repr(recent.all())
        gone = await manager.forget(ANNA)
        stored = everything_stored() + repr(recent.all())
        assert anna not in stored
        assert bob in stored
        assert len(await manager.dead_letters()) == 1
        assert bob in expired()
        # A card, a dead letter, an expired line, a waiting event.
        assert gone == 4
        assert await manager.forget(ANNA) == 0
        stats = await manager.stats()
        assert stats.balanced
        assert stats.lost == 2 + 1


async def test_a_damaged_file_that_holds_the_person_goes(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    """Also where the id lies across two parts that are looked at; what is of others only stays."""
    name = "statsbot_webhooks.sqlite3.corrupt"
    for number, text in ((1, f"x{BOB}x"), (2, f" {BOB} "), (3, " " * (2**20 - 4) + f"{ANNA} ")):
        Path(f"{name}-{number}").write_bytes(b"\xff\x00" + text.encode())  # noqa: ASYNC240 - as below
    Path(f"{name}-2-wal").write_bytes(f"\x00{ANNA}\x00".encode())  # noqa: ASYNC240 - a test has nothing else to do
    async with running_manager(WebhookConfig(**urls)) as manager:
        assert await manager.forget(ANNA) == 2
    assert sorted(file.name for file in Path().glob(f"{name}*")) == [f"{name}-1"]  # noqa: ASYNC240 - a test


async def test_a_person_is_in_no_card_after_its_next_edit(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, card_edit_seconds=0.2)
    async with running_manager(config) as manager:
        for number in (ANNA, BOB):
            await manager.send_log(LogLevel.ERROR, f"no stock for {number}")
        await sandbox.wait_until(lambda: str(BOB) in in_channel(sandbox))
        assert str(ANNA) in in_channel(sandbox)
        before = [message.id for message in sandbox.messages("error")]
        assert await manager.forget(ANNA) == 1
        for number in (7, 8):
            await manager.send_log(LogLevel.ERROR, f"no stock for {number}")
            await sandbox.wait_until(lambda number=number: f"no stock for {number}" in in_channel(sandbox))
        after = [message for message in sandbox.messages("error") if message.id not in before]
    assert after
    assert str(ANNA) not in "".join(message.text + "".join(file.text for file in message.attachments) for message in after)
    assert str(ANNA) not in everything_stored()


async def test_what_is_in_memory_only_for_a_while_is_not_stored_again(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls)) as manager:
        for who in ("anna", "bob"):
            await manager.admin.mute(Mute(MuteKind.LOGGER, f"of.{who}", NOW + 600, NOW, "quiet", who))
        await manager.forget(ANNA, ["anna"])
        await manager._intake.run(manager.admin.overrides.save_tallies)
        assert [mute.by for mute, _ in manager.admin.overrides.mutes] == ["bob"]
        assert "anna" not in everything_stored()


async def test_what_came_before_an_error_does_not_name_the_person_again(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        trail.note(SystemClock().now(), "INFO", "shop", f"order of {ANNA}", is_shared=True)
        await manager.forget(ANNA)
        trail.note(SystemClock().now(), "INFO", "shop", "order of another", is_shared=True)
        await manager.send_error(ValueError("no stock"))
        await sandbox.wait_until(lambda: "order of another" in in_channel(sandbox))
        assert str(ANNA) not in in_channel(sandbox) + everything_stored()


async def test_a_file_that_could_not_be_used_is_erased_once_it_can(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0)
    async with running_manager(config) as manager:
        manager.submit(joined(ANNA, "anna", card=f"member/{ANNA}"))
        manager.submit(joined(BOB, "bob", card=f"member/{BOB}"))
        await manager.flush(10)
    with closing(sqlite3.connect("statsbot_webhooks.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with running_manager(config) as manager:
            await sandbox.wait_until(lambda: manager._outbox.is_displaced, 120)
            assert await manager.forget(ANNA) == 0
            other.execute("COMMIT")
            other.close()
            async with asyncio.timeout(60):
                while manager._outbox.is_displaced or str(ANNA) in everything_stored():
                    await asyncio.sleep(0.1)
            assert str(BOB) in everything_stored()


class HastyClock(SkippingClock):
    """A clock that notes how long its callers want to sleep, and lets that time pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> CoroutineType[Any, Any, None]:
        self.pauses.append(seconds)
        self.skip(seconds)
        return super().sleep(0)


async def test_what_cannot_be_erased_is_tried_again_less_and_less_often(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try reads the whole storage and the JSON log, and begins the lists of members anew."""
    clock = HastyClock()
    sandbox.fault("member_events", "500")
    async with running_manager(WebhookConfig(**urls)) as manager:
        manager.submit(joined(ANNA, "anna"))
        await manager._intake.settle()
        monkeypatch.setattr(manager.admin.forgetting, "_clock", clock)
        monkeypatch.setattr(forgetting, "_PATIENCE_SECONDS", 1.0)
        with monkeypatch.context() as patch:
            patch.setattr(SqliteOutbox, "forget", lambda *_: Forgotten({}, busy=1))
            await manager.forget(ANNA)
            clock.pauses.clear()
            await sandbox.wait_until(lambda: len(clock.pauses) >= 8)
            assert str(ANNA) in everything_stored()
        assert clock.pauses[:8] == [5, 10, 20, 40, 80, 160, 300, 300]
        await sandbox.wait_until(lambda: str(ANNA) not in everything_stored())


async def test_a_json_log_to_which_nothing_is_written_now(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    path = Path("log.jsonl")
    path.write_text(f'{{"message":"{ANNA}"}}\n{{"message":"{BOB}"}}\n')  # noqa: ASYNC240 - a test has nothing else to do
    config = WebhookConfig(**urls, json_log=str(path), hold_reason="WEBHOOK_MASK_LEVEL is not valid")
    async with running_manager(config) as manager:
        assert await manager.forget(ANNA) == 1
    assert path.read_text() == f'{{"message":"{BOB}"}}\n'  # noqa: ASYNC240 - as above


@pytest.mark.slow
async def test_forget_on_the_command_line(sandbox: Sandbox, urls: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0)
    async with running_manager(config) as manager:
        await fill(sandbox, manager)
        manager.workers["error"].is_enabled = False
        manager.submit(Event(EventKind.LOG, LogLevel.ERROR, "the shop of anna is closed", NOW))
        await manager._intake.settle()
        assert main(["forget", str(ANNA)]) == 1
        assert "in use" in capsys.readouterr().err
    assert main(["forget", str(ANNA), "--name", "anna"]) == 0
    assert "dead letters" in capsys.readouterr().out
    assert str(ANNA) not in everything_stored()
    assert "anna" not in everything_stored()
    assert str(BOB) in everything_stored()


async def test_what_is_too_old_is_kept_nowhere(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, max_age_hours=24)
    async with running_manager(config) as manager:
        await fill(sandbox, manager)
        assert str(BOB) in everything_stored()
    outbox = open_existing(config.storage)
    Upkeep(config, Counters(), _LaterClock(25)).expire(outbox)
    assert "card/" not in "".join(outbox.read_state(""))
    assert not outbox.dead_letters(10)
    # What still waited is in the expired file now, for as long again.
    assert len(expired().splitlines()) == 2
    Upkeep(config, Counters(), _LaterClock(49)).expire(outbox)
    assert not expired()
    outbox.close()
