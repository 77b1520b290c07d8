"""The mirror of events as JSON lines: everything that is shown and no more, in private files that stay small."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import stat
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, load_webhook_config
from statsbot_webhooks.cli import main
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.events.event import Event, EventKind, Person
from statsbot_webhooks.pipeline import json_log
from statsbot_webhooks.pipeline.json_log import JsonLog
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager

FILE = Path("log.jsonl")
SECRET = "k8Jx2Lq9Zt4Wv7Rm"
ANNA = 111111111111111111


def text(file: Path = FILE) -> str:
    return file.read_text("ascii") if file.exists() else ""


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in text().splitlines()]


def config(urls: dict[str, Any], **more: Any) -> WebhookConfig:
    return WebhookConfig(**urls, **{"batch_timeout_seconds": 0, "json_log": str(FILE), **more})


def event(text: str) -> Event:
    return Event(EventKind.LOG, LogLevel.ERROR, text, 1_800_000_000.5)


async def test_every_event_is_a_line_and_as_clean_as_in_discord(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    async with running_manager(config(urls, mask_user_ids=True)) as manager:
        await manager.send_log("ERROR", f"key {SECRET}\nsecond line", order=17)
        await manager.send_log("DEBUG", "wanted nowhere")
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            await manager.send_error(error)
        await manager.send_member_event("join", ANNA, "anna")
        await manager.flush(10)
    first, debug, error, member = lines()
    assert SECRET not in text()
    assert (first["level"], first["kind"], first["destinations"], first["context"]) == ("ERROR", "log", ["error"], {"order": 17})
    assert first["message"].endswith("\nsecond line")
    assert datetime.fromisoformat(first["time"]).tzinfo is not None
    assert (debug["message"], debug["destinations"]) == ("wanted nowhere", [])
    assert "ValueError" in error["traceback"]
    assert error["issue"].startswith("E-")
    assert error["fingerprint"]
    assert str(ANNA) not in json.dumps(member)
    assert "anna" not in json.dumps(member)


async def test_what_is_dropped_is_not_there_and_what_is_muted_is(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        manager.before_send = lambda event: None if "drop" in event.message else event
        await manager.send_log("ERROR", "drop me")
        await manager.send_log("ERROR", "keep me")
        await manager.flush(10)
    assert [line["message"] for line in lines()] == ["keep me"]


async def test_nothing_is_written_while_a_pattern_of_redaction_is_wrong(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with running_manager(config(urls, hold_reason="WEBHOOK_REDACT_PATTERNS cannot be used")) as manager:
        await manager.send_log("ERROR", "perhaps a secret")
        await manager._intake.settle()
        assert not text()
        await manager.reconfigure(config(urls))
        await manager.send_log("ERROR", "clean")
        await manager.flush(10)
    assert [line["message"] for line in lines()] == ["clean"]
    assert "WEBHOOK_JSON_LOG: nothing is written while" in caplog.text


def write(log: JsonLog, *words: str) -> None:
    for word in words:
        log.add(event(word), ("error",))


def test_files_rotate_stay_within_their_size_and_are_private_from_their_first_byte() -> None:
    before = os.umask(0)
    try:
        log = JsonLog(str(FILE), 0.05, lambda _: None)
        for number in range(1000):
            write(log, f"number {number} " + "x" * 400)
        assert log.stop(10)
    finally:
        os.umask(before)
    files = sorted(Path().iterdir())
    assert [path.name for path in files] == ["log.jsonl", *(f"log.jsonl.{n}" for n in range(1, 5))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    # A write is of several lines, which are not torn.
    assert sum(path.stat().st_size for path in files) < 5 * 300_000
    assert "number 999 " in FILE.read_text()


def test_no_symbolic_link_is_followed() -> None:
    Path("other").write_text("of the user\n")
    FILE.symlink_to("other")
    told: list[str] = []
    log = JsonLog(str(FILE), 1, told.append)
    write(log, "one")
    assert log.stop(10)
    assert Path("other").read_text() == "of the user\n"
    assert log.lost == 1
    assert len(told) == 1


async def test_a_full_disk_costs_its_lines_and_is_said_once(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path("gone")
    async with running_manager(config(urls, json_log=str(folder / "log.jsonl"))) as manager:
        for word in ("apples", "pears", "plums"):
            await manager.send_log("INFO", word)
        await sandbox.wait_until(lambda: any("WEBHOOK_JSON_LOG" in m.text for m in sandbox.messages("error")))
        os.mkdir(folder)
        await manager.send_log("INFO", "after")
        await sandbox.wait_until(lambda: "is written again" in caplog.text, 10)
        await manager.flush(10)
    shown = "".join(message.text for message in sandbox.messages("info"))
    assert all(word in shown for word in ("apples", "pears", "plums"))
    assert caplog.text.count("the file cannot be written") == 1
    assert "after" in text(folder / "log.jsonl")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child process gets a limit of its own")
def test_a_disk_that_is_really_full_tears_no_line() -> None:
    import resource

    # In a child process: the limit is the process's, and cannot be raised again.
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
            log = JsonLog(str(FILE), 10, lambda _: None)
            for number in range(50):
                write(log, f"number {number} " + "x" * 300)
                while log._waiting:
                    pass
            log.stop(10)
            os._exit(0 if log.lost else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert FILE.stat().st_size <= 5000
    assert all(line["message"].startswith("number") for line in lines())


def test_a_disk_that_does_not_answer_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(json_log, "_MOST_EVENTS", 100)
    monkeypatch.setattr(json_log.JsonLines, "append", lambda *_: answers.wait(20))
    log = JsonLog(str(FILE), 1, lambda _: None)
    write(log, *map(str, range(1000)))
    assert not log.stop(0.05)
    answers.set()
    assert log.stop(10)
    assert log.lost >= 700


async def test_it_is_off_when_it_is_not_asked_for(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    before = set(threading.enumerate())
    async with running_manager(config(urls, json_log=None)) as manager:
        await manager.send_log("ERROR", "one")
        await manager.flush(10)
        assert not [thread for thread in set(threading.enumerate()) - before if "json" in thread.name]
    assert not text()


async def test_another_file_and_another_size_while_it_runs(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(config(urls)) as manager:
        await manager.send_log("ERROR", "first")
        await manager.flush(10)
        await manager.reconfigure(config(urls, json_log_max_mb=2))
        await manager.send_log("ERROR", "second")
        await manager.flush(10)
        await manager.reconfigure(config(urls, json_log="other.jsonl"))
        await manager.send_log("ERROR", "third")
        await manager.flush(10)
    assert [line["message"] for line in lines()] == ["first", "second"]
    assert "third" in text(Path("other.jsonl"))


async def test_a_person_who_is_forgotten_is_in_no_line(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_JSON_LOG", str(FILE))
    async with running_manager(config(urls)) as manager:
        for number in (ANNA, 222222222222222222):
            manager.submit(Event(EventKind.MEMBER, LogLevel.INFO, f"<@{number}> joined", 5.0, persons=(Person(number, ("x",)),)))
        await manager.flush(10)
        assert await manager.forget(ANNA) >= 1
        await manager.send_log("ERROR", "after")
        await manager.flush(10)
    assert str(ANNA) not in text()
    assert len(lines()) == 2
    assert await asyncio.to_thread(main, ["forget", "222222222222222222"]) == 0
    assert [line["message"] for line in lines()] == ["after"]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_search_for_a_person_that_is_cancelled_or_fails_ends_nothing(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def search(*_: object) -> int:
        is_asked.set()
        may_answer.wait(20)
        if fails:
            raise UnicodeError("a line that cannot be read")
        return 0

    monkeypatch.setattr(json_log.JsonLines, "filter", search)
    async with running_manager(config(urls)) as manager:
        forgetting = asyncio.create_task(manager.forget(ANNA))
        await asyncio.to_thread(is_asked.wait, 20)
        if not fails:
            forgetting.cancel()
        may_answer.set()
        [failure] = await asyncio.gather(forgetting, return_exceptions=True)
        assert isinstance(failure, UnicodeError if fails else asyncio.CancelledError)
        await manager.send_log("ERROR", "after")
        await manager.flush(10)
    assert [line["message"] for line in lines()] == ["after"]


def test_its_settings() -> None:
    assert load_webhook_config({}).json_log is None
    assert load_webhook_config({"WEBHOOK_JSON_LOG": "a.jsonl"}).json_log_max_mb == 50
    with pytest.raises(ConfigError, match="WEBHOOK_JSON_LOG_MAX_MB"):
        load_webhook_config({"WEBHOOK_JSON_LOG_MAX_MB": "0"})
