"""A secret in any text of an event of any kind, in any encoding, and every secret of the bot itself: shown in no form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks import WebhookConfig, WebhookManager
from statsbot_webhooks.events.event import Event, EventFile, Person, encode
from statsbot_webhooks.issues.fingerprint import finish, with_fingerprint
from statsbot_webhooks.redaction.redactor import Redactor

from ..conftest import running_manager
from ..encodings import ENCODINGS, core
from ..formatting.test_own_markup import hostile, messages

SECRETS = ('p@ss "w0rd"/é&<\\>', "x8Kq2LmZ0pR7sT2vB9nK3cW6", "short_1*k", "correct-horse-battery")
# Kinds with a shape of their own, which nothing has told us of.
SHAPES = ("ghp_" + "x1Y2z3a4B5" * 4, "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "AKIA" + "Q3EGZ7XW5VUT2SRP")


def events(text: str) -> Iterator[Event]:
    """Yield an event of each kind with a text in each field that a host or a user may fill."""
    yield from hostile(text)
    base = next(hostile(text))
    yield replace(base, template=text, title=text, card=f"job/{text}", avatar_url=f"https://x.org/{text}")
    yield replace(base, files=(EventFile(f"{text}.txt", text), EventFile("a.bin", data=text.encode())))
    yield replace(
        base, files=(EventFile("b.txt", data=text.encode("utf-16")), EventFile("c.txt", data=b"\xff\xfe" + text.encode()))
    )
    yield replace(
        base, persons=(Person(5, (text, f"x {text}")),), context={"a": [[text], {"b": [text, {"c": text}]}], text: {text: 1}}
    )


def everything_of(event: Event) -> Iterator[str]:
    """Yield all that is stored, logged and shown of an event."""
    yield repr(event)
    yield json.loads(f'"{json.dumps(encode(event))[1:-1]}"')
    for file in event.files:
        yield file.data.decode("utf-8", "replace")
        yield file.data.decode("utf-16", "replace")
    for message in messages([event]):
        yield json.dumps(message.to_payload(), ensure_ascii=False)
        yield from (file.data.decode("utf-8", "replace") for file in message.files)


def forms_of(part: str) -> set[str]:
    """Return how a text may stand in what is stored and shown, which is escaped once more."""
    dumped = json.dumps(part)[1:-1]
    return {part, dumped, json.dumps(dumped)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1], repr(part)[1:-1]}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_known_value_in_any_field_of_any_kind_of_event(encoding: str) -> None:
    number = list(ENCODINGS).index(encoding)
    for secret, mask in ((SECRETS[number % 4], False), (SECRETS[(number + 1) % 4], True)):
        redactor = Redactor(secrets=SECRETS, mask_user_ids=mask)
        forms = forms_of(core(encoding, secret))
        for event in events(f"a word {ENCODINGS[encoding](secret)} and more"):
            clean = with_fingerprint(redactor.redact(finish(event)))
            for text in everything_of(clean):
                assert not [form for form in forms if form in text], (event.kind, event.origin, text[:200])


@pytest.mark.parametrize("secret", SHAPES)
def test_a_key_of_a_known_shape_in_any_field_of_any_kind_of_event(secret: str) -> None:
    redactor = Redactor()
    for event in events(f"a word {secret} and more"):
        for text in everything_of(with_fingerprint(redactor.redact(finish(event)))):
            assert secret not in text


def bot_secrets(url: str) -> dict[str, Any]:
    return {
        "heartbeat_url": "https://hc-ping.com/2f1e9c4b-7a3d-4e5f-9b8a-1c2d3e4f5a6b",
        "fallback_url": "https://ntfy.sh/Zx81PlantedTopicOfOurs",
        "proxy": "http://proxyuser:Zx81-proxy-Pw9!@127.0.0.1:3128",
        "error_webhook_url": url,
        "storage": "memory://",
    }


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_secrets_of_a_bot_are_known_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "Zq81mWb4KdPl7TrVnE35sYx2Gh" * 2
    Path("token.txt").write_text("Zx81fromAFile5kQ\n")
    monkeypatch.setenv("SHOP_TOKEN_FILE", str(Path("token.txt").resolve()))
    monkeypatch.setenv("REDIS_URL", "redis://:Zx81redisPass7@127.0.0.1:6379/0")
    manager = WebhookManager(WebhookConfig(**bot_secrets(f"https://discord.com/api/webhooks/123456789012345678/{token}")))
    manager.add_secrets("Zx81.bots.http.token-5kQ")
    known = (
        *("2f1e9c4b-7a3d-4e5f-9b8a-1c2d3e4f5a6b", "Zx81PlantedTopicOfOurs", "Zx81-proxy-Pw9!", token, "Zx81fromAFile5kQ"),
        *("Zx81redisPass7", "Zx81.bots.http.token-5kQ"),
    )
    for secret in known:
        shown = manager.host.redact_text(f"said {ENCODINGS[encoding](secret)} in a line")
        assert core(encoding, secret) not in shown, secret
        assert shown.startswith("said ")
        assert shown.endswith(" in a line")


async def test_a_value_that_is_added_while_the_settings_are_read_again_is_known_after_it(
    urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = WebhookConfig(**urls)
    async with running_manager(config) as manager:
        settle = manager._intake.settle

        async def add_first() -> None:
            manager.add_secrets("Zx81-planted-Secret")
            await settle()

        monkeypatch.setattr(manager._intake, "settle", add_first)
        await manager.reconfigure(replace(config, batch_size=7))
        assert "Zx81" not in manager.redact_text("Zx81-planted-Secret")
        monkeypatch.undo()
