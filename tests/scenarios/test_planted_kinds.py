"""A key of every published kind, in every field of an event, is seen in nothing that is written, sent, logged or printed."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any, Final

import aiohttp
import pytest

from benchmarks.published_keys import NAMED_KINDS, NAMES, PREFIX_KINDS, make
from benchmarks.recall import NAMED, SURROUNDINGS, leaks
from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.cli import main
from statsbot_webhooks.events.event import Event, EventKind, LogLevel, Person, encode
from statsbot_webhooks.redaction.masking import MaskLevel
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..redaction.test_folded_text import SPELLINGS
from .test_planted import written
from .test_planted_bot import value_of

# These hold no text of a caller.
NO_TEXT: Final = ("kind", "level", "route_level", "noted", "time", "guild_id", "color", "ends_card")
START: Final = time.time()
FIELDS: Final = [item.name for item in fields(Event) if item.name not in NO_TEXT]


def planted(seed: int) -> Iterator[tuple[str, str]]:
    """Yield a key of each kind, and a text that it stands in: each time in another surrounding."""
    rng = random.Random(seed)
    ways, named = list(SURROUNDINGS.values()), list(NAMED.values())
    for number, shape in enumerate(PREFIX_KINDS.values(), seed):
        key, secret = make(shape, rng)
        yield secret, ways[number % len(ways)](key)
    for number, (kind, shape) in enumerate(NAMED_KINDS.items(), seed):
        key, secret = make(shape, rng)
        yield secret, named[number % len(named)](NAMES[number % len(NAMES)].format(kind.replace(" ", "_")), key)


def made(text: str, names: Iterable[str]) -> Event:
    """Return an event in which a text stands in some fields."""
    values: dict[str, Any] = {name: value_of(name, text) for name in names}
    return replace(Event(EventKind.LOG, LogLevel.ERROR, "a text", START, "shop"), **values)


@pytest.mark.parametrize("mask", [False, True])
def test_a_key_of_each_kind_stays_in_no_field(mask: bool) -> None:
    redactor = Redactor(mask_user_ids=mask)
    count = 0
    for secret, text in planted(mask):
        clean = redactor.redact(made(text, FIELDS))
        for name in FIELDS:
            shown = repr(getattr(clean, name))
            assert not leaks(secret, shown.replace("\\", "")), (name, text, shown)
        assert not leaks(secret, encode(clean).replace("\\", ""))
        count += 1
    assert count == len(PREFIX_KINDS) + len(NAMED_KINDS)


@pytest.mark.parametrize("level", ["ids", "full"])
def test_a_person_stays_in_no_field(level: MaskLevel) -> None:
    redactor = Redactor(mask_level=level)
    # Names of destinations are compared with what the destinations are called.
    names = [name for name in FIELDS if name not in ("persons", "routes")]
    for number, spell in enumerate(SPELLINGS.values()):
        for name in names:
            text = f"it is {spell('René Q.')} or {'712345678901234567' if number % 2 else spell('712345678901234567')} now"
            event = replace(made(text, [name]), persons=(Person(712345678901234567, ("René Q.",)),))
            shown = encode(redactor.redact(event))
            assert "712345678901234567" not in shown
            assert spell("712345678901234567") not in shown
            assert level == "ids" or (spell("René Q.") not in shown and "q." not in shown.lower())


@pytest.mark.slow
@pytest.mark.parametrize("use_embeds", [True, False])
async def test_a_key_of_each_kind_is_seen_nowhere(
    sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], use_embeds: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = list(planted(2 + use_embeds))
    config = WebhookConfig(
        **urls, batch_timeout_seconds=0, use_embeds=use_embeds, json_log="events.jsonl", mask_user_ids=use_embeds
    )
    async with running_manager(config) as manager:
        sandbox.fault("error", "500")
        for number, (_, text) in enumerate(texts):
            manager.submit(replace(made(text, [FIELDS[number % len(FIELDS)]]), time=START + number / 1000))
        await manager._intake.settle()
        seen = {"waiting": "".join(data.decode("utf-8", "replace") for data in written().values())}
        assert "[redacted" in seen["waiting"]
        sandbox.heal("error")
        sandbox.fault("error", "400", times=1)
        await manager.flush(120)
        seen["dead letters"] = repr(await manager.dead_letters())
    seen |= {name: data.decode("utf-8", "replace") for name, data in written().items()}
    await asyncio.to_thread(main, ["outbox", "list"])
    seen["printed"] = capsys.readouterr().out
    seen["sent"] = json.dumps([[r.path, r.payload, r.files] for r in sandbox.requests if r.method != "GET"], default=str)
    seen["channels"] = "".join(file.text for message in sandbox.messages("error") for file in message.attachments)
    seen["log"] = caplog.text
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.base_url}/?all=1") as page:
        seen["page"] = await page.text()
    assert "[redacted" in seen["sent"]
    for way, shown in seen.items():
        plain = shown.replace("\\", "").replace("\u200b", "")
        found = [text for secret, text in texts if leaks(secret, shown) or leaks(secret, plain)]
        assert not found, way
