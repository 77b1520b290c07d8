"""`python -m statsbot_webhooks outbox` on the file of a bot that has stopped, and on one that runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.cli import main
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager
from ..scenarios.test_faults import numbers


@pytest.fixture
async def config(sandbox: Sandbox, urls: dict[str, Any]) -> WebhookConfig:
    """Settings of a bot that has left two dead letters behind."""
    config = WebhookConfig(**urls, batch_timeout_seconds=0)
    sandbox.fault("info", "400", match="number 1")
    async with running_manager(config) as manager:
        for number in (10, 11, 20):
            await manager.send_log(LogLevel.INFO, f"number {number}.", password="hunter2-secret")
        await manager.flush(20)
    sandbox.heal("info")
    return config


@pytest.mark.slow
async def test_dead_letters_are_listed_shown_and_sent_again(
    sandbox: Sandbox, config: WebhookConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outbox", "list"]) == 0
    listed = capsys.readouterr().out
    assert "2 dead letters:" in listed
    assert listed.count("(400 Invalid Form Body)") == 2
    newer, older = re.findall(r"^ +(\d+) ", listed, re.M)
    assert main(["outbox", "show", older]) == 0
    shown = capsys.readouterr().out
    assert "INFO: number 10." in shown
    assert "hunter2" not in shown
    assert main(["outbox", "purge", newer]) == 1
    assert "nothing is deleted; answer y, or give --yes" in capsys.readouterr().err
    assert main(["outbox", "replay", older]) == 0
    assert main(["outbox", "purge", newer, "--yes"]) == 0
    assert "1 event waits again" in (out := capsys.readouterr().out)
    assert "1 dead letter is deleted" in out
    assert main(["outbox", "list"]) == 0
    assert "info: 1 event waits" in (out := capsys.readouterr().out)
    assert "0 dead letters\n" in out
    async with running_manager(config) as manager:
        await manager.flush(20)
        assert (await manager.stats()).balanced
    assert numbers(sandbox, "info") == [20, 10]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", "999"], "there is no dead letter 999"),
        (["purge"], "name the dead letters by their numbers"),
    ],
)
async def test_a_wrong_number_is_said(
    config: WebhookConfig, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main(["outbox", *arguments]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:///none.sqlite3", "no storage file none.sqlite3"),
        ("memory://", "leaves nothing behind"),
        ("redis://127.0.0.1:9", "Redis at 127.0.0.1:9 cannot be reached"),
        ("redis://u:secret@ ho:st", "must be like redis://"),
    ],
)
def test_a_storage_that_cannot_be_had_is_named(capsys: pytest.CaptureFixture[str], url: str, reason: str) -> None:
    assert main(["outbox", "--storage", url, "list"]) == 1
    assert reason in capsys.readouterr().err


async def test_the_file_of_a_running_bot_is_left_alone(urls: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    async with running_manager(WebhookConfig(**urls)) as manager:
        await manager.stats()
        assert main(["outbox", "list"]) == 1
    assert "is in use: a bot runs with it" in capsys.readouterr().err
