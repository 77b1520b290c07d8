"""`sandbox` on the command line: what it says, what it refuses, and that it harms no file and leaves no process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sqlite3
import sys
import textwrap
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from statsbot_webhooks.config.sources import read_sources
from statsbot_webhooks.storage import INSTEAD, storage_path

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

BOT = """
import asyncio, logging, os, sys
from pathlib import Path
import discord
from discord.ext import commands
from statsbot_webhooks import WebhookConfig, setup_webhook_logging

manager = setup_webhook_logging(WebhookConfig(error_webhook_url=os.environ["WEBHOOK_ERROR_URL"] or None))
bot = commands.Bot("!", intents=discord.Intents.all())

@bot.listen()
async def on_ready():
    await manager.start()
    Path("ready").write_text(str(os.getpid()))

@bot.command()
async def hello(ctx):
    await ctx.send("hello")

async def closed():
    await manager.stop()
    Path("closed").touch()

close = bot.close
async def close_both():
    await closed()
    await close()
bot.close = close_both
bot.run(os.environ["DISCORD_TOKEN"], log_handler=None)
"""


@contextlib.asynccontextmanager
async def running(*arguments: str, cwd: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("WEBHOOK_", "DISCORD_"))}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "statsbot_webhooks", "sandbox", *arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=cwd, env=environment,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def line_with(process: asyncio.subprocess.Process, text: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while text not in (line := (await process.stdout.readline()).decode()):
            assert line, "it has ended"
    return line


async def until(path: Path) -> None:
    async with asyncio.timeout(60):
        while not os.path.exists(path):  # noqa: ASYNC240 - nothing else runs on this loop
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--port", "70000"), "70000 is not a port: give a number from 0 to 65535"),
        (("--port", "x"), "x is not a port: give a number from 0 to 65535"),
        (("--run", "none.py"), "there is no file none.py"),
    ],
)
async def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    async with running(*arguments, cwd=tmp_path) as process:
        out, err = await process.communicate()
    assert (out, err.decode(), process.returncode) == (b"", f"statsbot-webhooks: {reason}\n", 2)


@pytest.mark.slow
async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with running("--port", str(taken.getsockname()[1]), cwd=tmp_path) as process:
            out, err = await process.communicate()
    assert (out, process.returncode) == (b"", 2)
    assert re.fullmatch(r"statsbot-webhooks: port \d+ cannot be used \(.*\): choose another with --port\n", err.decode())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_end_of_the_sandbox_ends_the_bot_and_spares_its_storage(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "bot.py").write_text(textwrap.dedent(BOT))
    production = tmp_path / "statsbot_webhooks.sqlite3"
    with contextlib.closing(sqlite3.connect(production)) as db:
        db.execute("CREATE TABLE events (waits)")
        db.commit()
    before = production.read_bytes()
    async with running("--port", "0", "--run", str(tmp_path / "bot.py"), cwd=tmp_path) as process:
        assert "storage file of its own" in await line_with(process, "Running bot.py")
        await until(tmp_path / "ready")
        process.send_signal(number)
        async with asyncio.timeout(60):
            await process.wait()
        assert (tmp_path / "closed").exists(), "the bot closed as at Ctrl-C"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "ready").read_text()), 0)
    assert production.read_bytes() == before
    assert {name for name in os.listdir(tmp_path) if "sqlite3" in name} == {production.name}


@pytest.mark.slow
async def test_a_bot_that_ends_gives_its_code(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import os, sys\nprint('urls', repr(os.environ['WEBHOOK_ERROR_URL']))\nsys.exit(7)\n")
    async with running("--port", "0", "--no-urls", "--run", str(tmp_path / "bot.py"), cwd=tmp_path) as process:
        out, _ = await process.communicate()
    assert process.returncode == 7
    assert "urls ''" in out.decode()
    assert "/webhooks setup" in out.decode()


@pytest.mark.slow
async def test_without_a_script_it_says_how_to_point_a_bot_at_it(tmp_path: Path) -> None:
    async with running("--port", "0", cwd=tmp_path) as process:
        address = (await line_with(process, "The channels: ")).split()[-1]
        assert (await line_with(process, "DISCORD_TOKEN=")).strip()
        assert (await line_with(process, "WEBHOOK_ERROR_URL=")).strip().startswith("WEBHOOK_ERROR_URL=https://discord.com/")
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0


def test_one_variable_replaces_every_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(INSTEAD, str(tmp_path / "other"))
    assert storage_path("sqlite:///bot.sqlite3") == storage_path("memory://") == tmp_path / "other"


def test_no_monitor_and_no_log_hears_of_a_trial(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://monitor.example/x")
    (tmp_path / ".env").write_text(
        "WEBHOOK_FALLBACK_URL=https://monitor.example/y\nWEBHOOK_JSON_LOG=log.jsonl\nWEBHOOK_INFO_LEVEL=ERROR\n"
    )
    environ = {"WEBHOOK_HEARTBEAT_URL_FILE": str(tmp_path / "url"), "WEBHOOK_METRICS_PORT": "9100"}
    assert len(read_sources(environ, tmp_path / ".env").settings) == 5
    trial = read_sources({**environ, INSTEAD: "other.sqlite3"}, tmp_path / ".env")
    assert (dict(trial.settings), dict(trial.problems)) == ({"WEBHOOK_INFO_LEVEL": "ERROR"}, {})
