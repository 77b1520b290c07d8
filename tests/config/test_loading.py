"""Settings: each with its effect on the parsed config; what is wrong costs itself, is named, and is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig, load_webhook_config
from statsbot_webhooks.config import WebhookURL
from statsbot_webhooks.config.loading import Loaded, build_config, load_forgiving
from statsbot_webhooks.config.sources import read_sources
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.events.event import EventKind
from statsbot_webhooks.redaction.masking import MaskLevel

URL = "https://discord.com/api/webhooks/123/abc"
LONG = "https://discord.com/api/webhooks/123456789012345678/" + "aB3-_" * 14


def load(environ: dict[str, str]) -> Loaded:
    return build_config(read_sources(environ, None))


def test_other_urls_are_refused_without_being_shown() -> None:
    for url in ("", "abc", "http://discord.com/api/webhooks/1/a", "https://evil.com/api/webhooks/1/a", URL + "\nx"):
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


def test_a_wrong_value_costs_itself_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"WEBHOOK_ERROR_URL={URL}", "WEBHOOK_INFO_URL=https://example.com/sEcReT", "WEBHOOK_BATCH_SIZE=many"]
    lines += ["WEBHOOK_CARD_EDIT_SECONDS=-sEcReT", "WEBHOOK_BATCH_TIMEOUT=3", "WEBHOOK_ERROR_LEVEL=sEcReT"]
    (tmp_path / ".env").write_text("\n".join(lines))
    config = load_forgiving().config
    assert (config.batch_size, config.card_edit_seconds, config.batch_timeout_seconds) == (5, 10.0, 3.0)
    assert [destination.name for destination in config.destinations] == ["error"]
    (record,) = caplog.records
    line = record.getMessage()
    assert "\n" not in line
    for name in ("WEBHOOK_INFO_URL", "WEBHOOK_BATCH_SIZE", "WEBHOOK_CARD_EDIT_SECONDS", "WEBHOOK_ERROR_LEVEL"):
        assert name in line
    assert "4 settings are wrong" in line
    assert "sEcReT" not in line
    # No Python in the texts: no class, no quotes of a repr, no enum member.
    assert not any(sign in line for sign in ("<", "frozenset", "LogLevel.", "None", "Input should"))


@pytest.mark.parametrize("name", ["WEBHOOK_MASK_LEVEL", "WEBHOOK_MASK_USER_IDS"])
def test_an_unreadable_mask_setting_is_full_masking(name: str) -> None:
    other = {"WEBHOOK_MASK_LEVEL": "off", "WEBHOOK_MASK_USER_IDS": "false"}
    loaded = load({**other, name: "jo"})
    assert loaded.config.mask_level == MaskLevel.FULL
    assert "persons are masked fully" in loaded.problems[0]
    assert "default" not in loaded.problems[0]
    assert load(other).config.mask_level == MaskLevel.OFF


def test_an_invalid_pattern_holds_delivery() -> None:
    loaded = load({"WEBHOOK_REDACT_PATTERNS": "fine;;(sEcReT", "WEBHOOK_BATCH_SIZE": "7"})
    assert loaded.config.hold_reason == "WEBHOOK_REDACT_PATTERNS cannot be used"
    assert "nothing is delivered, and events wait" in loaded.problems[0]
    assert "sEcReT" not in loaded.problems[0]
    assert loaded.config.batch_size == 7
    assert load({"WEBHOOK_REDACT_PATTERNS": "fine"}).config.hold_reason == ""


def test_a_wrong_list_of_servers_shows_no_server() -> None:
    loaded = load({"WEBHOOK_CUSTOMER_URL": URL, "WEBHOOK_CUSTOMER_GUILDS": "our server"})
    assert loaded.config.destinations[0].guilds == frozenset()
    assert "events of no server are shown there" in loaded.problems[0]


def test_one_name_for_all_is_pointed_out_while_there_is_no_other() -> None:
    [problem] = load({"WEBHOOK_URL": LONG}).problems
    assert problem.startswith("WEBHOOK_URL is not a setting and has no effect: the names are WEBHOOK_ERROR_URL, ")
    assert load({"WEBHOOK_URL": LONG, "WEBHOOK_INFO_URL": LONG}).problems == ()
    # A URL of something else under any name is the bot's own.
    assert load({"WEBHOOK_URL": "https://example.org/hook", "GITHUB_URL": LONG}).problems == ()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("WEBHOOK_EROR_URL", "WEBHOOK_ERROR_URL"),
        ("WEBHOOK_ERRORS_URL", "WEBHOOK_ERROR_URL"),
        ("WEBHOOK_INFOS_URL", "WEBHOOK_INFO_URL"),
        ("WEBHOOK_PERF_URL", "WEBHOOK_PERFORMANCE_URL"),
        ("WEBHOOK_MEMBERS_URL", "WEBHOOK_MEMBER_EVENTS_URL"),
        ("WEBHOOK_MEMBEREVENTS_URL", "WEBHOOK_MEMBER_EVENTS_URL"),
        ("ERROR_WEBHOOK_URL", "WEBHOOK_ERROR_URL"),
        ("DISCORD_INFO_WEBHOOK", "WEBHOOK_INFO_URL"),
        ("WEBHOOK_URL_ERROR", "WEBHOOK_ERROR_URL"),
        ("webhook_error_url", "WEBHOOK_ERROR_URL"),
        ("WEBHHOOK_ERROR_URL", "WEBHOOK_ERROR_URL"),
        ("WEBHOOK-ERROR-URL", "WEBHOOK_ERROR_URL"),
        ("WEBOOK_MEMBER_EVENTS_URL", "WEBHOOK_MEMBER_EVENTS_URL"),
    ],
)
def test_misspelled_names_of_the_four_are_pointed_out(wrong: str, right: str) -> None:
    loaded = load({wrong: LONG})
    assert loaded.config.destinations == ()
    assert loaded.problems == (f"{wrong} is not a setting and has no effect; did you mean {right}?",)
    # Where the right one is given too, the other may be the bot's own: a remark, and no error.
    loaded = load({wrong: LONG, right: URL})
    assert (loaded.problems, len(loaded.notes)) == ((), 1)


def test_a_variable_of_the_bot_gets_nothing_unasked() -> None:
    loaded = load({"WEBHOOK_DEPLOY_URL": LONG, "WEBHOOK_STRIPE_URL": "https://stripe.example/hook"})
    assert loaded.config.destinations == ()
    assert loaded.problems == ()
    assert [note.split()[4] for note in loaded.notes] == ["WEBHOOK_DEPLOY_URL:", "WEBHOOK_STRIPE_URL:"]
    assert "WEBHOOK_DESTINATIONS=deploy" in loaded.notes[0]


@pytest.mark.parametrize("asked", [{"WEBHOOK_DESTINATIONS": "x, Deploy"}, {"WEBHOOK_DEPLOY_EVENTS": "error"}])
def test_an_own_destination_is_opted_in(asked: dict[str, str]) -> None:
    loaded = load({"WEBHOOK_DEPLOY_URL": LONG, "WEBHOOK_X_URL": LONG, "WEBHOOK_ERROR_URL": URL, **asked})
    assert "deploy" in [destination.name for destination in loaded.config.destinations]
    assert "deploy" not in str(loaded.notes)


def test_settings_of_the_same_form_opt_nothing_in() -> None:
    # WEBHOOK_LOG_LEVEL and WEBHOOK_MASK_LEVEL are settings of their own.
    loaded = load({"WEBHOOK_LOG_URL": LONG, "WEBHOOK_LOG_LEVEL": "INFO", "WEBHOOK_MASK_URL": LONG, "WEBHOOK_MASK_LEVEL": "ids"})
    assert loaded.config.destinations == ()


@pytest.mark.parametrize("name", ["HEARTBEAT", "FALLBACK", "SOURCE", "PROXY"])
def test_reserved_names_are_no_destinations(name: str) -> None:
    loaded = load({f"WEBHOOK_{name}_URL": LONG, f"WEBHOOK_{name}_LEVEL": "INFO", "WEBHOOK_DESTINATIONS": name.lower()})
    assert loaded.config.destinations == ()
    assert f"{name.lower()} is the name of a setting" in loaded.problems[0]


def test_a_listed_destination_without_a_url_is_named() -> None:
    (problem,) = load({"WEBHOOK_DESTINATIONS": "deploy"}).problems
    assert problem == "WEBHOOK_DESTINATIONS: it names deploy, but WEBHOOK_DEPLOY_URL is not set"


@pytest.mark.parametrize(
    "text",
    [
        "memory://",
        ":memory:",
        "sqlite:///./:memory:",
        "sqlite:////:memory:",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "SQLite:///:MEMORY:",
        "sqlite::memory:",
        "file::memory:?cache=shared",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:events?mode=memory&cache=shared",
        "sqlite+aiosqlite:///:memory:",
        "sqlite:///%3Amemory%3A",
        "memory",
    ],
)
def test_every_spelling_of_the_memory_database(text: str) -> None:
    assert WebhookConfig(storage=text).storage == "memory://"


@pytest.mark.parametrize("text", ["sqlite:///memory", "sqlite:///memory.sqlite3", "sqlite:////srv/:memory:/x.sqlite3"])
def test_a_file_is_no_memory(text: str) -> None:
    assert WebhookConfig(storage=text).storage == text


def test_a_file_of_templates_that_is_not_there_is_named_with_the_others() -> None:
    loaded = load({"WEBHOOK_TEMPLATES": "gone.toml", "WEBHOOK_PROXY": "foo bar"})
    assert loaded.config.templates is None
    assert loaded.problems[1] == "WEBHOOK_TEMPLATES: there is no such file; cards look as without templates"
    # The example in it holds no password, which would be redacted on the card.
    assert "as in http://proxy.example:3128, or none" in loaded.problems[0]
