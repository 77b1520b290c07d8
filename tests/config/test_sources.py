"""Where settings come from: the environment, `.env`, files of secrets, credentials; and which of two holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dotenv import load_dotenv

from statsbot_webhooks.config.loading import build_config
from statsbot_webhooks.config.sources import Source, read_sources, read_values

URL = "https://discord.com/api/webhooks/123456789012345678/" + "aB3-_" * 14


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_docker_keeps(quote: str) -> None:
    environ = {"WEBHOOK_ERROR_URL": URL, "WEBHOOK_BATCH_SIZE": "7", "WEBHOOK_ADMIN_GUILD_ID": " 42 ", "WEBHOOK_LOGGERS": "a:INFO"}
    sources = read_sources({name: f"{quote}{text}{quote}" for name, text in environ.items()}, None)
    loaded = build_config(sources)
    assert loaded.problems == ()
    assert [destination.name for destination in loaded.config.destinations] == ["error"]
    assert (loaded.config.batch_size, loaded.config.admin_guild_id) == (7, 42)


def test_a_pattern_keeps_what_belongs_to_it() -> None:
    patterns = build_config(read_sources({"WEBHOOK_REDACT_PATTERNS": "<order-[0-9]+>;;'a\""}, None)).config.redact_patterns
    assert patterns == ("<order-[0-9]+>", "'a\"")


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_new_name_beats_its_alias(folder: Path, where: str) -> None:
    both = {"WEBHOOK_BATCH_TIMEOUT": "1", "WEBHOOK_BATCH_TIMEOUT_SECONDS": "2"}
    if where == "file":
        (folder / ".env").write_text("WEBHOOK_BATCH_TIMEOUT_SECONDS=2\n")
        sources = read_sources({"WEBHOOK_BATCH_TIMEOUT": "1"})
    else:
        sources = read_sources(both)
    assert build_config(sources).config.batch_timeout_seconds == 2
    # A name without a value is not given.
    assert build_config(read_sources({**both, "WEBHOOK_BATCH_TIMEOUT_SECONDS": " "}, None)).config.batch_timeout_seconds == 1


def test_the_source_is_the_environment_when_both_have_it(folder: Path) -> None:
    (folder / ".env").write_text("WEBHOOK_BATCH_SIZE=6\nWEBHOOK_BATCH_TIMEOUT=3\nWEBHOOK_MAX_AGE_HOURS=5\n")
    sources = read_sources({"WEBHOOK_BATCH_SIZE": "7", "WEBHOOK_BATCH_TIMEOUT_SECONDS": "4"})
    assert sources.source("WEBHOOK_BATCH_SIZE") == Source.ENVIRONMENT
    assert sources.source("WEBHOOK_BATCH_TIMEOUT_SECONDS") == Source.ENVIRONMENT
    assert sources.source("WEBHOOK_MAX_AGE_HOURS") == Source.ENV_FILE
    assert sources.source("WEBHOOK_LIFECYCLE") == Source.DEFAULT
    config = build_config(sources).config
    assert (config.batch_size, config.batch_timeout_seconds, config.max_age_hours) == (7, 4, 5)


def test_what_load_dotenv_copied_is_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_MAX_AGE_HOURS", "9")
    for name in ("WEBHOOK_BATCH_SIZE", "WEBHOOK_RAID_JOINS"):
        # Set first, so that what load_dotenv() sets is undone after the test.
        monkeypatch.setenv(name, "1")
        monkeypatch.delenv(name)
    (folder / ".env").write_text("WEBHOOK_BATCH_SIZE=6\nWEBHOOK_MAX_AGE_HOURS=5\nWEBHOOK_RAID_JOINS=4\n")
    load_dotenv(folder / ".env")
    assert os.environ["WEBHOOK_BATCH_SIZE"] == "6"
    sources = read_sources()
    assert (sources.settings["WEBHOOK_BATCH_SIZE"], sources.source("WEBHOOK_BATCH_SIZE")) == ("6", Source.ENV_FILE)
    (folder / ".env").write_text("WEBHOOK_BATCH_SIZE=8\nWEBHOOK_MAX_AGE_HOURS=6\n")
    config = build_config(read_sources()).config
    # What the environment had by itself goes first; what was taken out of the file is not set any more.
    assert (config.batch_size, config.max_age_hours, config.raid_joins) == (8, 9, 10)


def test_secrets_from_files(folder: Path) -> None:
    (folder / "url").write_text(f"{URL}\n")
    (folder / "patterns").write_bytes("\ufeffone\r\ntwo\r\n".encode("utf-16-le"))
    environ = {"WEBHOOK_ERROR_URL_FILE": str(folder / "url"), "WEBHOOK_REDACT_PATTERNS_FILE": str(folder / "patterns")}
    sources = read_sources({**environ, "WEBHOOK_NOT_OURS_FILE": "/nowhere"}, None)
    loaded = build_config(sources)
    assert loaded.problems == ()
    assert loaded.config.error_webhook_url is not None
    assert [pattern.strip() for pattern in loaded.config.redact_patterns] == ["one", "two"]
    assert sources.source("WEBHOOK_ERROR_URL") == Source.SECRET_FILE


@pytest.mark.parametrize("name", ["WEBHOOK_BATCH_SIZE", "webhook_batch_size", "webhook-batch-size"])
def test_credentials_of_systemd(folder: Path, name: str) -> None:
    (folder / name).write_text("7\n")
    sources = read_sources({"CREDENTIALS_DIRECTORY": str(folder)}, None)
    assert build_config(sources).config.batch_size == 7
    assert sources.source("WEBHOOK_BATCH_SIZE") == Source.CREDENTIAL


@pytest.mark.parametrize("name", ["WEBHOOK_BATCH_SIZE", "WEBHOOK_ERROR_URL", "WEBHOOK_DEPLOY_LEVEL", "WEBHOOK_BATCH_TIMEOUT"])
def test_both_ways_are_an_error_by_name(folder: Path, name: str) -> None:
    (folder / "secret").write_text("9")
    (folder / ".env").write_text(f"{name}=8\n")
    loaded = build_config(read_sources({f"{name}_FILE": str(folder / "secret")}))
    (problem,) = loaded.problems
    assert problem.startswith(f"{name}: {name} and {name}_FILE are both given")
    assert (loaded.config.batch_size, loaded.config.destinations) == (5, ())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("WEBHOOK_BATCH_SIZE", None, "there is no such file"),
        ("WEBHOOK_ERROR_URL", None, "there is no such file"),
        ("WEBHOOK_BATCH_SIZE", "", "it is empty"),
        ("WEBHOOK_BATCH_SIZE", "x" * 1_000_001, "it is larger than 1 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, name: str, content: str | None, reason: str) -> None:
    if content is not None:
        (folder / "secret").write_text(content)
    (problem,) = build_config(read_sources({f"{name}_FILE": str(folder / "secret")}, None)).problems
    assert problem.startswith(f"{name}: {name}_FILE cannot be read: {reason}")


def test_an_unreadable_file_of_a_privacy_setting_fails_closed(folder: Path) -> None:
    config = build_config(
        read_sources({"WEBHOOK_MASK_LEVEL_FILE": "/none", "WEBHOOK_REDACT_PATTERNS_FILE": "/none"}, None)
    ).config
    assert config.mask_level == "full"
    assert config.hold_reason


def test_the_redactor_learns_what_files_hold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "db").write_text("correct-horse-battery-9\n")
    (folder / "api_token").write_text("another-Secret-77\n")
    monkeypatch.setenv("DB_PASSWORD_FILE", str(folder / "db"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    values = read_values()
    assert values["DB_PASSWORD"] == "correct-horse-battery-9"
    assert values["API_TOKEN"] == "another-Secret-77"


def test_an_alias_that_cannot_be_read_does_not_spoil_the_new_name() -> None:
    unreadable = {"WEBHOOK_BATCH_TIMEOUT_FILE": "/none"}
    (problem,) = build_config(read_sources(unreadable, None)).problems
    assert problem.startswith("WEBHOOK_BATCH_TIMEOUT: WEBHOOK_BATCH_TIMEOUT_FILE cannot be read")
    both = build_config(read_sources({**unreadable, "WEBHOOK_BATCH_TIMEOUT_SECONDS": "4"}, None))
    assert (len(both.problems), both.config.batch_timeout_seconds) == (1, 4)
