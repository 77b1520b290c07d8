"""A secret in the names and texts of a bot's own objects: shown by no way out, of Discord or beside it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp import web
from discord import app_commands
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookConfig, WebhookManager, webhook_context
from statsbot_webhooks.cli import main
from statsbot_webhooks.events.event import Event, EventFile, EventKind, Person, encode
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.sandbox import Sandbox

from ..clocks import SkippingClock
from ..conftest import new_bot, online, running_manager
from ..encodings import ENCODINGS, core
from ..monitoring.test_fallback_alert import break_all, heal_all

SECRET = "x8Kq2LmZ0pR7sT2vB9nK3cW6"
FIELDS = [item.name for item in fields(Event)]


def shows(text: str, secret: str = SECRET) -> list[str]:
    """Return in which encodings a text shows the secret, also where Discord's markup is escaped in it."""
    texts = (text, text.replace("\u200b", ""), text.replace("\\", ""))
    return [name for name in ENCODINGS if any(core(name, secret) in each for each in texts)]


@pytest.fixture
async def listener() -> AsyncIterator[tuple[str, list[str]]]:
    """A receiver of heartbeats and fallback messages: all that it is told but the path, which is its own secret."""
    heard: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(f"{request.method} {dict(request.headers)} {request.query_string} {await request.text()}")
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{topic}", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/Zx81topicOfOurs9", heard
    await runner.cleanup()


def value_of(name: str, text: str) -> Any:
    """Return a value of a field of an event in which a text stands."""
    return {
        "kind": EventKind.LOG,
        "level": LogLevel.ERROR,
        "context": {text: {"a": [text, {"b": text}]}, "n": text},
        "facts": {"type": "x", "deep": {"a": text}},
        "persons": (Person(10**17, (text,)),),
        "files": (EventFile(f"{text}.txt", text, text.encode()),),
        "routes": (text,),
        "route_level": LogLevel.ERROR,
    }.get(name, text)


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("kind", "level", "route_level", "noted")])
def test_no_field_of_an_event_keeps_a_secret(name: str, mask: bool) -> None:
    redactor = Redactor(secrets=[SECRET], mask_user_ids=mask)
    for encoding, write in ENCODINGS.items():
        event = replace(Event(EventKind.LOG, LogLevel.ERROR, "a text", 0.0), **{name: value_of(name, f"it is {write(SECRET)}")})
        assert encoding not in shows(encode(redactor.redact(event)))


class Shop(commands.Cog):
    """Commands that fail with what they were given."""

    @app_commands.command(description="pay")
    async def pay(self, interaction: discord.Interaction, code: str, who: discord.Member, where: discord.TextChannel) -> None:
        logging.getLogger("shop").info("paying with %s in %s for %s", code, where, who)
        error = ExceptionGroup(f"group {code}", [ValueError(code), KeyError(code), OSError(2, "no file", f"/srv/{code}")])
        error.add_note(f"note {code}")
        with webhook_context(order=code, **{f"k_{code}": [code]}):
            try:
                raise LookupError(f"cause {code}")
            except LookupError as cause:
                raise error from cause

    @commands.command()
    async def buy(self, ctx: commands.Context[commands.Bot], *, text: str) -> None:
        logging.getLogger("shop").error("bought %s", text, extra={"order": text}, stack_info=True)
        await ctx.send(view=Form(text))
        raise RuntimeError(text)


class Form(discord.ui.View):
    def __init__(self, text: str) -> None:
        super().__init__()
        button: discord.ui.Button[Form] = discord.ui.Button(label=text[:80], custom_id=text[:100])
        button.callback = self.fail
        self.add_item(button)

    async def fail(self, interaction: discord.Interaction) -> None:
        raise ZeroDivisionError(str(interaction.data))


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["plain", "hex", "base64"])
async def test_the_objects_of_a_bot_show_it_nowhere(
    sandbox: Sandbox,
    env: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    listener: tuple[str, list[str]],
    unused_tcp_port: int,
    encoding: str,
) -> None:
    caplog.set_level(logging.INFO)
    text, (url, heard) = ENCODINGS[encoding](SECRET), listener
    short, metrics = text[:32], f"http://127.0.0.1:{unused_tcp_port}/metrics"
    for name, value in {
        "STRANGE_VALUE": SECRET,
        "DISCORD_TOKEN": sandbox.bot_token,
        "WEBHOOK_HEARTBEAT_URL": url,
        "WEBHOOK_HEARTBEAT_INTERVAL_SECONDS": "0.2",
        "WEBHOOK_METRICS_PORT": str(unused_tcp_port),
        "WEBHOOK_JSON_LOG": "events.jsonl",
        "WEBHOOK_LIFECYCLE": "true",
        "WEBHOOK_LOG_LEVEL": "INFO",
        "WEBHOOK_GUILD_IDS": str(sandbox.guild_id),
        "WEBHOOK_BOT_VERSION": f"1-{text}"[:24],
        "WEBHOOK_ERROR_THREAD_NAME": "",
    }.items():
        env.setenv(name, value)
    sandbox.add_channel("shop")
    channel = sandbox.add_channel(f"c-{text}")
    sandbox.add_thread(f"c-{text}", f"t-{text}")
    sandbox.add_channel("posts", forum=True, tags=[f"g-{text}"[:20]])
    role = sandbox.add_role(f"r-{text}")
    guild = sandbox.add_guild(f"guild {text}")
    async with new_bot(commands.Bot) as bot:
        await bot.load_extension("statsbot_webhooks")
        await bot.add_cog(Shop())
        async with online(bot, sandbox):
            await bot.tree.sync()
            manager: WebhookManager = bot.get_cog("Webhooks").manager  # type: ignore[union-attr]
            manager.before_send = lambda event: replace(
                event, note=text, process=text, issue=text, title=f"{event.title} {text}", context={**event.context, text: text}
            )
            member = sandbox.join(short, invite="")
            sandbox.rename(member, short)
            sandbox.give_role(member, role)
            sandbox.join(short, guild_id=guild)
            sandbox.kick(sandbox.join(short), reason=text)
            sandbox.ban(sandbox.join(short), reason=text)
            sandbox.timeout(member, 60, reason=text)
            await sandbox.invoke("pay", options={"code": text, "who": member, "where": channel})
            sandbox.say(f"!buy {text}")
            sandbox.say(f"!{text} no such command")
            await manager.send_performance_alert(text, 5.0, 1.0, host=text, **{f"x{text}": text})
            await manager.send_member_event(text, member, text, guild=text)
            await manager.send_log(LogLevel.ERROR, "plain", embed={"title": text, "fields": [{"name": text, "value": text}]})
            await sandbox.wait_until(lambda: len(sandbox.messages("error")) > 3 and heard)
            await manager.flush(60)
            answers = [
                (await sandbox.invoke(f"webhooks {name}", user_id=sandbox.owner_id)).text
                for name in ("status", "deadletters", "settings", "issues")
            ]
            if find_spec("prometheus_client"):
                # It listens since the bot is ready: no second try is needed.
                async with aiohttp.ClientSession() as session, session.get(metrics) as answer:
                    answers.append(await answer.text())
            # Before the bot closes: here what waits for the limits has more time.
            await manager.stop(60)
    for arguments in (["check"], ["check", "--json"], ["settings", "--json"], ["outbox", "list"]):
        await asyncio.to_thread(main, arguments)
        answers.append(capsys.readouterr().out)
    ours = [[r.path, r.payload, r.files] for r in sandbox.requests if "/webhooks/" in r.path and r.method != "GET"]
    said = json.dumps(ours, ensure_ascii=False, default=str)
    # Each was planted, and came as far as it may.
    assert not [word for word in ("note [redacted", "cause [redacted", "kicked", "banned", "bought", "/pay") if word not in said]
    assert not shows(said)
    assert not [answer for answer in answers if shows(answer)]
    assert not shows("\n".join(heard))
    files = {path.name: path.read_bytes().decode("utf-8", "replace") for path in Path.cwd().rglob("*") if path.is_file()}
    assert "events.jsonl" in files
    assert not [name for name, data in files.items() if shows(data)]
    assert not shows("\n".join(r.getMessage() + str(r.exc_text) for r in caplog.records if r.name.startswith("statsbot")))


async def test_the_way_past_discord_shows_it_to_no_one(
    sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch, listener: tuple[str, list[str]]
) -> None:
    monkeypatch.setenv("STRANGE_VALUE", SECRET)
    (url, heard), clock = listener, SkippingClock()
    settings: dict[str, Any] = {"fallback_url": url, "batch_timeout_seconds": 0, "breaker_failures": 1}
    async with running_manager(WebhookConfig(**urls, **settings), clock=clock) as manager:
        manager.host.set_bot_info(f"bot {SECRET}", None)
        break_all(sandbox)
        await manager.send_error(ValueError(SECRET), command=SECRET)
        async with asyncio.timeout(20):
            while not heard:
                clock.skip(20)
                await asyncio.sleep(0.01)
        heal_all(sandbox)
    assert "nothing reaches Discord" in heard[0]
    assert not shows("\n".join(heard))
    # Its own name is what Discord shows to all.
    assert not shows(json.dumps([message.raw["embeds"] for message in sandbox.messages("error")]))
