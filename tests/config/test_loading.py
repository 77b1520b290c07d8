"""Settings: each with its effect on the parsed config, and errors that name the variable and never show a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, load_webhook_config
from statsbot_webhooks.config import WebhookURL
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.events.event import EventKind

URL = "https://discord.com/api/webhooks/123/abc"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://discordapp.com/api/webhooks/123/abc",
        "https://ptb.discord.com/api/v10/webhooks/123/abc",
        "https://canary.discord.com/api/webhooks/123/abc/",
        f"  {URL}\n",
    ],
)
def test_every_form_of_a_webhook_url(url: str) -> None:
    parsed = WebhookURL(url)
    assert (parsed.id, parsed.token, parsed.thread_id) == (123, "abc", None)
    assert "abc" not in f"{parsed} {parsed!r} {[parsed]}"


def test_a_thread_in_the_url() -> None:
    assert WebhookURL(f"{URL}?thread_id=77").thread_id == 77


@pytest.mark.parametrize(
    "url", ["", "abc", "http://discord.com/api/webhooks/1/a", "https://evil.com/api/webhooks/1/a", URL + "\nx"]
)
def test_other_urls_are_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="WEBHOOK_INFO_URL is not the URL of a Discord webhook") as caught:
        WebhookConfig(info_webhook_url=url)
    assert not url.strip() or url not in str(caught.value)


def test_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_webhook_config({"WEBHOOK_BATCH_SIZE": "0", "WEBHOOK_USE_EMBEDS": "perhaps", "WEBHOOK_LOG_LEVEL": "LOUD"})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "WEBHOOK_BATCH_SIZE",
        "WEBHOOK_USE_EMBEDS",
        "WEBHOOK_LOG_LEVEL",
    ]
    assert "LOUD" not in str(caught.value)


def test_own_destinations_and_lists() -> None:
    config = load_webhook_config(
        {
            "WEBHOOK_AUDIT_URL": URL,
            "WEBHOOK_AUDIT_LEVEL": "debug",
            "WEBHOOK_AUDIT_EVENTS": "log, member",
            "WEBHOOK_AUDIT_LOGGERS": "shop",
            "WEBHOOK_AUDIT_GUILDS": "1,2",
            "WEBHOOK_LOGGERS": "shop:INFO,other:debug",
            "WEBHOOK_BATCH_TIMEOUT": "3",
        }
    )
    (audit,) = config.destinations
    assert (audit.name, audit.level, audit.loggers, audit.guilds) == ("audit", LogLevel.DEBUG, ("shop",), {1, 2})
    assert audit.events == {EventKind.LOG, EventKind.MEMBER}
    assert config.loggers == {"shop": LogLevel.INFO, "other": LogLevel.DEBUG}
    assert config.batch_timeout_seconds == 3


def test_the_environment_is_above_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"WEBHOOK_ERROR_URL={URL}\nWEBHOOK_BATCH_SIZE=7\nWEBHOOK_USE_EMBEDS=false\n", "utf-8-sig")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOK_BATCH_SIZE", "8")
    config = load_webhook_config()
    assert (config.batch_size, config.use_embeds) == (8, False)
    assert isinstance(config.error_webhook_url, WebhookURL)
