"""The examples and the original document's snippets run, and what they send is in the channels."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import statsbot_webhooks
from statsbot_webhooks import LogLevel as FromPackage
from statsbot_webhooks import MessageFormatter, WebhookConfig, get_webhook_manager, setup_webhook_logging
from statsbot_webhooks.config import LogLevel
from statsbot_webhooks.sandbox import Sandbox

from ..redis_server import needs_redis

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_the_snippets_of_the_original_document(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    webhook_manager = setup_webhook_logging()
    await webhook_manager.start()
    webhook_manager = get_webhook_manager()
    await webhook_manager.send_log(LogLevel.INFO, "Bot started successfully", version="1.0.0", guild_count=10)
    try:
        _ = 1 / 0
    except Exception as e:
        await webhook_manager.send_error(e, component="example", operation="division")
    config = WebhookConfig(error_webhook_url="https://discord.com/api/webhooks/123/abc", use_embeds=True, include_timestamps=True)
    message = MessageFormatter(config).format_log_message(LogLevel.INFO, "Custom message", component="example")
    await webhook_manager.stop()
    assert FromPackage is LogLevel
    assert "Custom message" in str(message.to_payload())
    assert "Bot started successfully" in sandbox.messages("info")[0].text
    assert "ZeroDivisionError" in sandbox.messages("error")[0].text


@pytest.mark.slow
async def test_the_example_without_a_bot(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    runner = (
        "import runpy, sys; from statsbot_webhooks.sandbox import redirect\n"
        "with redirect(sys.argv[1]): runpy.run_path(sys.argv[2], run_name='__main__')"
    )
    script = EXAMPLES / "webhook_logging_example.py"
    command = [sys.executable, "-c", runner, sandbox.base_url, str(script)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("error", "info", "performance", "member_events"):
        assert len(sandbox.messages(name)) == 1, name


@needs_redis
@pytest.mark.soak
async def test_the_demo_of_a_fleet_shows_one_card_after_its_sender_was_killed(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DEMO_SECONDS": "20"}
    command = [sys.executable, str(EXAMPLES / "demo_fleet.py")]
    environment["PYTHONPATH"] = str(EXAMPLES.parent)
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 150}
    done = await asyncio.to_thread(subprocess.run, command, env=environment, check=False, **options)
    assert done.returncode == 0, done.stderr
    storm, *_, end = [line for line in done.stdout.splitlines() if " card: " in line]
    for number in range(4):
        assert f"cluster-{number} on" in storm
    assert "it is still 1 card: " in end
    assert end.endswith("rate limited 0 times")
    # The others go on counting.
    counts = [re.search(r"cluster-1 on [^×]*×(\d+)", line) for line in (storm, end)]
    assert all(counts)
    assert int(counts[0][1]) < int(counts[1][1])  # type: ignore[index]


def test_examples_are_short() -> None:
    long = {path.name: count for path in EXAMPLES.glob("*.py") if (count := len(path.read_text().splitlines())) > 60}
    assert not long


@pytest.mark.slow
async def test_the_minimal_bot(sandbox: Sandbox, env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env.setenv("DISCORD_TOKEN", sandbox.bot_token)
    command = [sys.executable, "-m", "statsbot_webhooks.cli.script_runner", sandbox.base_url, str(EXAMPLES / "minimal_bot.py")]
    path = str(Path(statsbot_webhooks.__file__).parents[1])
    bot = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        await sandbox.wait_until(lambda: bool(sandbox.commands(sandbox.guild_id)), 30)
        sandbox.say("!divide 0")
        await sandbox.wait_until(lambda: any("ZeroDivisionError" in message.text for message in sandbox.messages("error")), 20)
    finally:
        bot.terminate()
        await asyncio.to_thread(bot.wait, 20)
