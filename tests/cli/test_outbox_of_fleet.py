"""The commands on a Redis: while its fleet runs, and when it cannot be had: one line that says why, without a secret."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.cli import main
from statsbot_webhooks.events.event import Event, EventKind, Person
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage import make_outbox

from ..conftest import running_manager
from ..redis_server import RedisServer, needs_redis

pytestmark = needs_redis
FILE = "sqlite:///box.sqlite3"
COMMANDS = (
    ["outbox", "--storage", "URL", "list"],
    ["outbox", "--storage", "URL", "show", "1"],
    ["outbox", "--storage", "URL", "replay", "--all"],
    ["outbox", "--storage", "URL", "purge", "--all", "--yes"],
    ["outbox", "move", "URL", FILE],
    ["outbox", "move", FILE, "URL"],
    ["forget", "5", "--storage", "URL"],
)


def run(command: list[str], url: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main([url if part == "URL" else part for part in command])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.real_time
@pytest.mark.slow
async def test_dead_letters_of_a_fleet_that_runs(
    redis_server: RedisServer, sandbox: Sandbox, urls: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    url = redis_server.url()
    config = WebhookConfig(**urls, storage=url, batch_timeout_seconds=0)
    sandbox.fault("info", "400", match="refused")

    async def command(*parts: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(run, ["outbox", "--storage", "URL", *parts], url, capsys)

    async with running_manager(config) as manager:
        for number in range(2):
            await manager.send_log(LogLevel.INFO, f"refused {number}.", password="hunter2-secret")
        await manager.flush(20)
        sandbox.heal("info")
        _, listed, _ = await command("list")
        newer, older = re.findall(r"^ *(\d+)  ", listed, re.M)
        assert (await command("show", older))[1].count("refused 0.") == 1
        assert (await command("purge", newer, "--yes"))[:2] == (0, "1 dead letter is deleted\n")
        assert (await command("replay", older))[0] == 0
        async with asyncio.timeout(60):
            while "refused 0." not in "".join(message.text for message in sandbox.messages("info")):
                await asyncio.sleep(0.05)
        assert (await command("list"))[1] == "0 dead letters\n"
        assert (await manager.stats()).balanced


@pytest.mark.real_time
def test_a_person_is_forgotten_in_redis(redis_server: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    url = redis_server.url()
    outbox = make_outbox(url, 10, lambda _: None)
    outbox.open()
    try:
        mia = Person(123456789012345678, ("mia",))
        outbox.put([("a", Event(EventKind.MEMBER, LogLevel.INFO, "mia left", 1.0, persons=(mia,)))])
        outbox.put([("a", Event(EventKind.MEMBER, LogLevel.INFO, "adam left", 1.0))])
        code, said, _ = run(["forget", "123456789012345678", "--storage", "URL"], url, capsys)
        assert (code, "waiting events 1" in said) == (0, True)
        until = time.monotonic() + 5
        while len(entries := outbox.claim("a", 5)) == 2:
            # The sender has not heard of it yet.
            assert time.monotonic() < until
            outbox.release(entries)
            outbox.maintain()
        assert [entry.event.message for entry in entries] == ["adam left"]
    finally:
        outbox.close()


@pytest.fixture
def filled() -> None:
    outbox = make_outbox(FILE, 10, lambda _: None)
    outbox.open()
    outbox.put([("a", Event(EventKind.LOG, LogLevel.INFO, "waits", 1.0))])
    outbox.close()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://:s3cret-word@127.0.0.1:9/0?prefix=bot", "Redis at 127.0.0.1:9 cannot be reached"),
        ("unix://:s3cret-word@SOCKET?prefix=test", "refuses the user name or the password"),
        ("redis://:s3cret-word@ho st/0", "must be like redis://"),
        ("redis://:s3cret-word@host/0?prefx=s3cret-word", "may have only these parameters"),
    ],
)
def test_a_redis_that_cannot_be_had_is_one_line(
    redis_server: RedisServer, capsys: pytest.CaptureFixture[str], command: list[str], url: str, reason: str
) -> None:
    client = redis_server.client()
    client.config_set("requirepass", "right")
    try:
        code, out, err = run(command, url.replace("SOCKET", str(redis_server.socket)), capsys)
    finally:
        client.config_set("requirepass", "")
    assert (code, out) == (1, "")
    assert reason in err
    assert len(err.splitlines()) == 1
    assert "s3cret" not in err
    # Nothing has gone on the way.
    outbox = make_outbox(FILE, 10, lambda _: None)
    outbox.open()
    assert outbox.depth("a").entries == 1
    outbox.close()


def test_check_says_whether_redis_answers(
    redis_server: RedisServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_STORAGE", redis_server.url())
    assert main(["check", "--only", "storage"]) == 0
    assert "redis.sock answers" in capsys.readouterr().out
    monkeypatch.setenv("WEBHOOK_STORAGE", "redis://:s3cret-word@127.0.0.1:9")
    assert main(["check", "--only", "storage"]) == 1
    out = capsys.readouterr().out
    assert "cannot be reached" in out
    assert "s3cret" not in out
