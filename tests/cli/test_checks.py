"""`python -m statsbot_webhooks check`: what is right, what is wrong with the way out, and never a secret."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks.cli import main
from statsbot_webhooks.cli.checks import webhooks
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES, running_manager


async def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = await asyncio.to_thread(main, ["check", *arguments])
    return code, capsys.readouterr().out


def write(name: str, text: str) -> None:
    Path(name).write_text(text)


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


@pytest.fixture
def bot_env(sandbox: Sandbox, env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    env.setenv("DISCORD_TOKEN", sandbox.bot_token)
    return env


async def test_a_good_setup(sandbox: Sandbox, bot_env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write(".env", "WEBHOOK_BATCH_SIZE=6\n")
    code, text = await check(capsys, "--send")
    assert code == 0, text
    assert "WEBHOOK_BATCH_SIZE = 6  (.env)" in text
    assert "posts to channel #errors of Sandbox" in text
    assert "logged in as demo-bot" in text
    assert "the bot has the permissions that it needs" in text
    assert "no errors, no warnings" in text
    for name in NAMES:
        assert [message.content for message in sandbox.messages(name)] == [
            "Test message of `python -m statsbot_webhooks check --send`"
        ]
    secrets = [webhook.token for webhook in sandbox.state.webhooks.values()] + [sandbox.bot_token]
    code, text = await check(capsys, "--json")
    report = json.loads(text)
    assert report["ok"] is True
    assert {"name": "WEBHOOK_BATCH_SIZE", "value": "6", "source": ".env"} in report["settings"]
    assert not [secret for secret in secrets if secret in text]


@pytest.mark.parametrize(
    ("kind", "said"),
    [("429_global", "Discord cannot be reached (TimeoutError)"), ("html_200", "the answer is not Discord's")],
)
async def test_an_odd_answer_ends_it_in_time(
    sandbox: Sandbox, bot_env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str, said: str
) -> None:
    bot_env.setattr(webhooks, "_SECONDS", aiohttp.ClientTimeout(total=1))
    sandbox.fault("info", kind, delay=1e9)
    code, text = await check(capsys)
    assert (code, text.count(said)) == (1, 1)
    assert "posts to channel #errors of Sandbox" in text


async def test_it_says_which_webhooks_carry_buttons(
    sandbox: Sandbox, bot_env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bot_env.setenv("WEBHOOK_INFO_URL", sandbox.webhook_url("owned", "info", owned=True))
    bot_env.setenv("WEBHOOK_PERFORMANCE_URL", sandbox.webhook_url("other", "performance", owned=True))
    next(webhook for webhook in sandbox.state.webhooks.values() if webhook.name == "other").application_id = "4711"
    _, text = await check(capsys)
    lines = {
        line.split(":")[0].split()[-1]: line for line in text.splitlines() if "button" in line or "another application" in line
    }
    assert "was made by hand" in lines["error"]
    assert "its cards have buttons" in lines["info"]
    assert "belongs to another application (4711)" in lines["performance"]
    bot_env.setenv("WEBHOOK_BUTTONS", "off")
    _, text = await check(capsys)
    assert "its cards have" not in text


async def test_a_bad_setup(sandbox: Sandbox, bot_env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    gone, *_ = [webhook for webhook in sandbox.state.webhooks.values() if webhook.name == "performance"]
    del sandbox.state.webhooks[gone.id]
    bot_env.setenv("WEBHOOK_TWIN_URL", sandbox.webhook_url("error"))
    bot_env.setenv("WEBHOOK_NEIGHBOUR_URL", sandbox.webhook_url("neighbour", "errors"))
    bot_env.setenv("WEBHOOK_WRONG_URL", "https://example.com/sEcReT")
    bot_env.setenv("WEBHOOK_DESTINATIONS", "twin,neighbour,wrong")
    bot_env.setenv("WEBHOOK_DEPLOY_URL", sandbox.webhook_url("deploy"))
    bot_env.setenv("WEBHOOK_BACH_SIZE", "7")
    bot_env.setenv("WEBHOOK_GUILD_IDS", "123456789012345678")
    bot_env.setenv("WEBHOOK_ADMIN_ROLE_IDS", "77")
    sandbox.forbid("view_audit_log", "manage_webhooks")
    sandbox._rest.bot.flags = 0
    code, text = await check(capsys)
    assert code == 1
    for part in (
        "WEBHOOK_PERFORMANCE_URL: Discord answers 404 Unknown Webhook",
        "error, twin: have the same webhook",
        "share its limit of 30 messages a minute",
        "ERROR   settings: WEBHOOK_WRONG_URL is not the URL of a Discord webhook",
        "did you mean WEBHOOK_BATCH_SIZE?",
        "note    settings: nothing is sent to WEBHOOK_DEPLOY_URL",
        "the bot is not in the server 123456789012345678",
        "Sandbox has no role 77",
        "the bot lacks View Audit Log: a kick looks like a leave",
        "the bot lacks Manage Webhooks",
        "Server Members Intent: is off in the developer portal",
    ):
        assert part in text, part
    assert "sEcReT" not in text
    bot_env.setenv("DISCORD_TOKEN", "x" * 24 + ".abcdef." + "y" * 38)
    bot_env.setenv("WEBHOOK_BATCH_SIZE", "many")
    code, text = await check(capsys, "--only", "bot", "--only", "configuration")
    assert "Discord does not know this token" in text
    assert "WEBHOOK_BATCH_SIZE: must be a whole number, 1 or more; it is a text of 4 letters" in text, text
    assert "y" * 38 not in text


async def test_webhooks_of_setup_are_looked_at_too(
    sandbox: Sandbox, urls: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from statsbot_webhooks import WebhookConfig  # noqa: PLC0415 - the modules of now, after another test's reload
    from statsbot_webhooks.config import WebhookURL  # noqa: PLC0415

    async with running_manager(WebhookConfig()) as manager:
        await manager.admin.add_destinations({"error": WebhookURL(urls["error_webhook_url"])})
        code, text = await check(capsys, "--only", "webhooks", "--only", "storage")
        assert code == 1
        assert "is in use: a bot runs with it" in text
    code, text = await check(capsys, "--only", "webhooks", "--only", "storage")
    assert code == 0, text
    assert "error: webhook" in text


async def test_secrets_in_files_that_git_tracks(
    sandbox: Sandbox, env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git("init", "-q")
    env.setenv("SHOP_PASSWORD", "correct-horse-battery-9")
    write("notes.md", f"one\ntwo {sandbox.webhook_url('error')}\n")
    write("bot.py", f'TOKEN = "{sandbox.bot_token}"\npassword = "correct-horse-battery-9"\n')
    write("fine.py", "https://discord.com/api/webhooks/123/abc and a word\n")
    write(".env", "A=1\n")
    code, text = await check(capsys, "--only", "git")
    assert code == 0
    assert "git does not ignore it; add it to .gitignore" in text
    git("add", "-A", "-f")
    code, text = await check(capsys, "--only", "git")
    assert code == 1
    for part in (
        "notes.md:2: the URL of a webhook",
        "bot.py:1: a bot token",
        "bot.py:2: a secret of the environment or of .env",
        ".env: git tracks it",
    ):
        assert part in text, part
    assert "fine.py" not in text
    assert "correct-horse" not in text
    assert sandbox.bot_token not in text


async def test_a_storage_that_cannot_be_written(env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    env.setenv("WEBHOOK_STORAGE", "sqlite:////proc/nowhere/x.sqlite3")
    code, text = await check(capsys, "--only", "storage")
    assert code == 1
    assert "nothing can be written into its folder" in text
    env.setenv("WEBHOOK_STORAGE", "memory://")
    code, text = await check(capsys, "--only", "storage")
    assert code == 0
    assert "what waits is lost when the bot ends" in text


async def test_the_look_at_the_storage_follows_no_link(env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write("other.txt", "precious")
    os.symlink("other.txt", ".events.sqlite3.check")
    env.setenv("WEBHOOK_STORAGE", "sqlite:///events.sqlite3")
    code, _ = await check(capsys, "--only", "storage")
    assert code == 0
    assert await asyncio.to_thread(Path("other.txt").read_text) == "precious"


async def test_the_ways_beside_discord(
    sandbox: Sandbox, bot_env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    bot_env.setenv("WEBHOOK_METRICS_PORT", str(unused_tcp_port))
    bot_env.setenv("WEBHOOK_JSON_LOG", "log.jsonl")
    bot_env.setenv("WEBHOOK_FALLBACK_URL", f"http://127.0.0.1:{unused_tcp_port}/sEcReT-topic")
    code, text = await check(capsys, "--send")
    assert "log.jsonl can be written" in text
    assert f"will be at http://127.0.0.1:{unused_tcp_port}/metrics" in text or "metrics need the extra" in text
    assert "the test message failed with ClientConnectorError" in text
    assert (code, "sEcReT" in text) == (1, False)
    # Nothing was made.
    assert not await asyncio.to_thread(Path("log.jsonl").exists)
    bot_env.setenv("WEBHOOK_JSON_LOG", "missing/log.jsonl")
    code, text = await check(capsys, "--only", "configuration")
    assert "log.jsonl cannot be written" in text
