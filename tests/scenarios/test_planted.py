"""A secret that is planted anywhere is seen nowhere: not in a message, a file, the storage, the log, the page, an answer."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager, load_webhook_config
from statsbot_webhooks.clock import SystemClock
from statsbot_webhooks.errors import WebhookLoggingError
from statsbot_webhooks.events.accounting import Counters
from statsbot_webhooks.events.event import Event, EventFile, EventKind, Person
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.storage import open_existing
from statsbot_webhooks.storage.maintenance import Upkeep

from ..conftest import running_bot, running_manager
from ..encodings import ENCODINGS, core

SECRETS = {
    # In pieces: the secret scan of the gate would take it for a real one.
    "DISCORD_TOKEN": ".".join(("MTIzNDU2Nzg5MDEyMzQ1Njc4", "GabcDe", "4Fz8q1LmX0pR7sT2vB9nK3cW6yJ5dH8gA1eQ4u")),
    "DB_PASSWORD": 'p@ss "w0rd"/é&<\\>',
    "STRANGE_VALUE": "x8Kq2LmZ0pR7sT2vB9nK3cW6",
    "SHOP_API_KEY": "short_1*k",
}
# Where a text is cut: a field, a message, a description, a whole embed; and nowhere.
CUTS = (0, 900, 1010, 1024, 1980, 2000, 2040, 4090)
PLACES = (
    "message",
    "key",
    "value",
    "deep",
    "exception",
    "path",
    "file",
    "filename",
    "user",
    "origin",
    "title",
    "card",
)


def plant(manager: WebhookManager, place: str, text: str, number: int) -> None:
    now = time.time() + number / 1000
    base = Event(EventKind.LOG, LogLevel.ERROR, f"number {number}", now, "shop")
    values: dict[str, object] = {
        "message": {"message": text},
        "key": {"context": {text[:300]: 1, "n": number}},
        "value": {"context": {"note": text}},
        "deep": {"context": {"a": [{"b": {"c": [text]}}]}},
        "exception": {"traceback": f'Traceback (most recent call last):\n  File "x.py", line 1\n    run()\nValueError: {text}\n'},
        "path": {"traceback": f'Traceback (most recent call last):\n  File "/srv/{text}/x.py", line 1\n    run()\nValueError\n'},
        "file": {"files": (EventFile("report.txt", text), EventFile("data.json", data=text.encode()))},
        "filename": {"files": (EventFile(f"{text[:60]}.txt", "text"),)},
        "user": {"message": f"{text} joined", "persons": (Person(number + 10**17, (text,)),)},
        "origin": {"origin": text[-200:]},
        "title": {"title": text},
        "card": {"card": f"job/{text[-300:]}", "context": {"n": number}},
    }[place]  # type: ignore[assignment]
    manager.submit(Event(**{**{name: getattr(base, name) for name in Event.__slots__}, **values}))  # type: ignore[arg-type]


def seen(text: str) -> list[str]:
    """Return which secrets a text shows, in any form, also between marks that only keep Discord from formatting."""
    plain = text.replace("\u200b", "")
    texts = (text, plain, plain.replace("\\", ""))
    spelled = [json.dumps(form)[1:-1] for name in SECRETS for form in (SECRETS[name],)]
    found = [form for form in spelled if any(form in each for each in texts)]
    for name, secret in SECRETS.items():
        for encoding in ENCODINGS:
            part = core(encoding, secret)
            if any(part in each or part.replace("\\", "") in texts[2] for each in texts):
                found.append(f"{name} as {encoding}")
    return found


def written() -> dict[str, bytes]:
    """Return every file of the working directory but the settings, which hold the secrets."""
    return {path.name: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file() and path.name != ".env"}


@pytest.fixture
def planted_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(SECRETS)
    for name in names[:2]:
        monkeypatch.setenv(name, SECRETS[name])
    Path(".env").write_text("".join(f"{name}={SECRETS[name]}\n" for name in names[2:]))


@pytest.mark.slow
@pytest.mark.usefixtures("planted_environment")
@pytest.mark.parametrize("use_embeds", [True, False])
async def test_a_planted_secret_is_seen_nowhere(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture, use_embeds: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    config = WebhookConfig(
        **urls, batch_timeout_seconds=0, use_embeds=use_embeds, breaker_cooldown_seconds=0.1, json_log="events.jsonl"
    )
    number = 0
    async with running_manager(config) as manager:
        # Until it heals, everything waits in the storage.
        sandbox.fault("error", "500")

        @settings(max_examples=60)
        @given(
            st.sampled_from(PLACES),
            st.sampled_from(sorted(SECRETS)),
            st.sampled_from(sorted(ENCODINGS)),
            st.sampled_from(CUTS),
            st.text("ab .,\"'`*_é日\n", max_size=12),
        )
        def plant_one(place: str, name: str, encoding: str, cut: int, around: str) -> None:
            nonlocal number
            number += 1
            before = ("word " * 900)[: max(cut - len(SECRETS[name]) // 2, 0)]
            plant(manager, place, f"{before}{around} {ENCODINGS[encoding](SECRETS[name])} {around}", number)

        plant_one()
        await manager.stats()
        await manager._intake.settle()
        # The log of the file is not in it yet; both belong to it.
        stored = b"".join(path.read_bytes() for path in Path.cwd().glob("statsbot_webhooks.sqlite3*"))
        assert b"number 1" in stored
        assert not seen(stored.decode("utf-8", "replace"))
        sandbox.heal("error")
        # One is refused: its dead letter and Discord's reason are stored.
        sandbox.fault("error", "400", times=1)
        await manager.flush(60)
        stats = await manager.stats()
        letters = await manager.dead_letters()
        assert not seen(repr(letters))
    files = written()
    assert "events.jsonl" in files
    assert not [name for name, data in files.items() if seen(data.decode("utf-8", "replace"))]
    assert stats.accepted == stats.delivered + stats.dead + sum(books.folded for books in stats.destinations.values())
    assert stats.accepted >= number
    messages = [message for name in ("error", "info") for message in sandbox.messages(name)]
    shown = json.dumps([m.raw for m in messages], ensure_ascii=False) + "".join(f.text for m in messages for f in m.attachments)
    assert "[redacted" in shown.replace("\\", "")
    assert not seen(shown)
    assert not seen(
        json.dumps([[r.payload, r.files] for r in sandbox.requests if r.method != "GET"], ensure_ascii=False, default=str)
    )
    assert not seen(caplog.text)
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/?all=1") as page:
        assert not seen(await page.text())


@pytest.mark.usefixtures("planted_environment")
async def test_an_answer_shows_no_secret(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:
        manager: WebhookManager = bot.get_cog("Webhooks").manager  # type: ignore[union-attr]
        sandbox.fault("error", "400", times=100)
        for name, secret in SECRETS.items():
            await manager.send_log(LogLevel.ERROR, f"{name} is {secret} and {secret.encode().hex()}")
        await sandbox.wait_until(lambda: sandbox.count_status(400) >= 4, 20)
        sandbox.heal("error")
        answers = [(await sandbox.invoke(f"webhooks {name}")).text for name in ("status", "deadletters")]
    assert "redacted" in answers[1].replace("\\", "")
    assert not seen("".join(answers))
    # The bot's own token is known wherever it came from.
    assert sandbox.bot_token.encode().hex() not in manager.host.redact_text(sandbox.bot_token.encode().hex())


@pytest.mark.usefixtures("planted_environment")
async def test_our_own_log_shows_no_secret(sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    before = list(logging.getLogger("statsbot_webhooks.storage.connection").filters)
    async with running_manager(WebhookConfig(**urls, storage="memory://")):
        logging.getLogger("statsbot_webhooks.storage.connection").warning("no such file: %s", SECRETS["STRANGE_VALUE"])
        try:
            raise ValueError(SECRETS["STRANGE_VALUE"])
        except ValueError:
            logging.getLogger("statsbot_webhooks.storage.connection").exception("that failed")
    assert "no such file: [redacted: known value]" in caplog.text
    assert "ValueError: [redacted: known value]" in caplog.text
    assert not seen(caplog.text)
    assert logging.getLogger("statsbot_webhooks.storage.connection").filters == before


@pytest.mark.usefixtures("planted_environment")
async def test_the_storage_holds_no_webhook_token(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    token = urls["error_webhook_url"].rpartition("/")[2]
    async with running_manager(WebhookConfig(**urls)) as manager:
        await manager.send_log(LogLevel.ERROR, f"posted to {token} and {token.encode().hex()}")
        await manager.flush(10)
    outbox = open_existing("sqlite:///statsbot_webhooks.sqlite3")
    outbox.close()
    shown = json.dumps([message.raw for message in sandbox.messages("error")])
    assert token not in shown
    assert token.encode().hex() not in shown


class _LaterClock(SystemClock):
    """A clock two days ahead."""

    def now(self) -> float:
        return super().now() + 2 * 86400


@pytest.mark.usefixtures("planted_environment")
async def test_the_expired_file_shows_no_secret(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, breaker_cooldown_seconds=60, max_age_hours=24)
    sandbox.fault("error", "500")
    planted = [(place, name, encoding) for place in PLACES for name in SECRETS for encoding in ENCODINGS]
    async with running_manager(config) as manager:
        for number, (place, name, encoding) in enumerate(planted):
            plant(manager, place, f"it is {ENCODINGS[encoding](SECRETS[name])} now", number)
        await manager._intake.settle()
    outbox = open_existing(config.storage)
    Upkeep(config, Counters(), _LaterClock()).expire(outbox)
    outbox.close()
    expired = Path("statsbot_webhooks.sqlite3.expired.jsonl")
    text = expired.read_text("utf-8")  # noqa: ASYNC240 - a small file
    assert len(text.splitlines()) >= len(planted) - 5
    assert not seen(text)


def refusal(monkeypatch: pytest.MonkeyPatch, setting: str, value: str) -> str:
    """Return what the exception says with which a value is refused."""
    monkeypatch.setenv(f"WEBHOOK_{setting}", value)
    try:
        load_webhook_config()
    except WebhookLoggingError as error:
        return f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    return ""


@pytest.mark.parametrize("secret", SECRETS.values())
@pytest.mark.parametrize(
    "setting", ["INFO_LEVEL", "STORAGE", "PROXY", "HEARTBEAT_URL", "CA_BUNDLE", "REDACT_PATTERNS", "BATCH_SIZE", "PING_ROLE_ID"]
)
def test_an_exception_of_ours_shows_no_secret(monkeypatch: pytest.MonkeyPatch, setting: str, secret: str) -> None:
    # As it is pasted into the wrong setting, alone or within an address.
    values = (secret, f"https://bot:{secret}@host/{secret}", f"sqlite://{secret}", f"redis://:{secret}@/x", f"({secret}")
    texts = [refusal(monkeypatch, setting, value) for value in values]
    assert any(texts)
    assert not [text for text in texts if secret in text or secret[:20] in text or secret[-20:] in text]
