"""Names that are nearly those of settings are pointed out, in one line of the log; a bot's own variables are not."""

from __future__ import annotations

import logging

import pytest

from statsbot_webhooks.config.loading import build_config, load_forgiving
from statsbot_webhooks.config.sources import Sources, read_sources
from statsbot_webhooks.redaction.masking import MaskLevel

MISTAKES = {
    "WEBHOOK_BATCH_TIMEOUT_SECOND": "WEBHOOK_BATCH_TIMEOUT_SECONDS",
    "WEBHOOK_BACH_SIZE": "WEBHOOK_BATCH_SIZE",
    "WEBHOOK_BATCHSIZE": "WEBHOOK_BATCH_SIZE",
    "WEBHOOK_LEVLE": "WEBHOOK_LOG_LEVEL",
    "WEBHOOK_LOG_LEVLE": "WEBHOOK_LOG_LEVEL",
    "WEBHOOK_LOGLEVEL": "WEBHOOK_LOG_LEVEL",
    "WEBHOOK_LOGGER": "WEBHOOK_LOGGERS",
    "WEBHOOK_PORXY": "WEBHOOK_PROXY",
    "WEBHOOK_STORGE": "WEBHOOK_STORAGE",
    "WEBHOOK_BUTTON": "WEBHOOK_BUTTONS",
    "WEBHOOK_PING_ROLE": "WEBHOOK_PING_ROLE_ID",
    "WEBHOOK_SAMPLE_INTERVAL": "WEBHOOK_SAMPLE_INTERVAL_SECONDS",
    "WEBHOOK_MEMORY_WARN_MB": "WEBHOOK_MEMORY_WARNING_MB",
    "WEBHOOK_ADMIN_ROLES": "WEBHOOK_ADMIN_ROLE_IDS",
    "WEBHOOK_INFO_LEVLE": "WEBHOOK_INFO_LEVEL",
    "WEBHOOK_MEMBER_EVENT_GUILDS": "WEBHOOK_MEMBER_EVENTS_GUILDS",
    "WEBHOOK_DESTINATION": "WEBHOOK_DESTINATIONS",
    "webhook_log_level": "WEBHOOK_LOG_LEVEL",
    "WEBHOOK-LOG-LEVEL": "WEBHOOK_LOG_LEVEL",
    "WEBHOOKS_LOG_LEVEL": "WEBHOOK_LOG_LEVEL",
    "WEBHOK_LOG_LEVEL": "WEBHOOK_LOG_LEVEL",
    "WEB_HOOK_BATCH_SIZE": "WEBHOOK_BATCH_SIZE",
    "WEBHOOK_BATCH_SIZES_FILE": "WEBHOOK_BATCH_SIZE_FILE",
}
OWN = """
SECRET TOKEN PORT HOST PATH NAME ID URL KEY TIMEOUT TIMEOUT_SECONDS RETRIES USERNAME AVATAR CHANNEL CHANNEL_ID ENABLED
LISTEN_PORT SERVER_PORT SERVER_HOST BIND ADDRESS LISTEN SIGNING_SECRET AUTH AUTH_TOKEN API_KEY DOMAIN SSL_CERT MODE
DEBUG LEVEL LOG LOGS LOG_FILE LOG_PATH LOG_FORMAT LOG_CHANNEL MAX_CONNECTIONS MAX_RETRIES RATE_LIMIT USER USER_ID PASSWORD
THREAD_ID THREADS ROLE ROLE_ID MESSAGE EVENT EVENTS TYPE DELAY INTERVAL POLL_INTERVAL QUEUE WORKERS VERSION SOURCE TARGET OWNER_ID
TOPGG_AUTH VOTE_SECRET CACHE_SIZE BUFFER_SIZE PREFIX FORMAT COLOR EMBEDS STATUS METRICS ERROR_CHANNEL ERRORS MEMBERS ALERTS
MEMORY TIMEZONE SIZE USE_SSL BOT_NAME BOT_TOKEN BUNDLE MASK PATTERNS
"""


def load(values: dict[str, str]) -> Sources:
    return read_sources(values, None)


@pytest.mark.parametrize(("wrong", "right"), list(MISTAKES.items()))
def test_a_mistake_in_a_name_is_pointed_out(wrong: str, right: str) -> None:
    loaded = build_config(load({wrong: "7"}))
    assert (loaded.problems, loaded.notes) == (
        (),
        (f"{wrong} is not a setting and has no effect; did you mean {right}?",),
    )


def test_nothing_is_said_of_variables_that_are_the_bots_own() -> None:
    own = {f"WEBHOOK_{name}": "value" for name in OWN.split()} | {
        "LOG_LEVEL": "INFO",
        "HOOK_PORT": "1",
        "PATH": "/",
        "PROXY": "x",
    }
    assert build_config(load(own)).notes == ()


def test_mistakes_are_one_line_of_the_log(env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    env.setenv("WEBHOOK_BACH_SIZE", "7")
    env.setenv("WEBHOOK_LOGER", "mybot:INFO")
    env.setenv("WEBHOOK_SECRET", "sEcReT")
    with caplog.at_level(logging.WARNING):
        load_forgiving()
    [line] = [record.getMessage() for record in caplog.records if "did you mean" in record.getMessage()]
    assert "WEBHOOK_BATCH_SIZE?" in line
    assert "WEBHOOK_LOGGERS?" in line
    assert "SECRET" not in line.upper()


@pytest.mark.parametrize("name", ["WEBHOOK_MASK_USER_ID", "WEBHOOK_MASK_LEVLE", "webhook_mask_level", "WEBHOOK_MASK_LEVLE_FILE"])
def test_a_mask_whose_name_is_written_wrongly_masks_fully(name: str) -> None:
    loaded = build_config(load({name: "true"}))
    assert loaded.config.mask_level == MaskLevel.FULL
    [problem] = loaded.problems
    assert problem.startswith(f"{name} is not a setting and has no effect; did you mean WEBHOOK_MASK_")
    assert problem.endswith("persons are masked fully")
    # With the right name beside it nothing is in doubt.
    right = build_config(load({name: "true", "WEBHOOK_MASK_USER_IDS": "false", "WEBHOOK_MASK_LEVEL": "ids"}))
    assert right.config.mask_level == MaskLevel.IDS
    assert len(right.notes) == 1


def test_patterns_whose_name_is_written_wrongly_hold_delivery() -> None:
    loaded = build_config(load({"WEBHOOK_REDACT_PATTERN": "sEcReT"}))
    assert loaded.config.hold_reason
    [problem] = loaded.problems
    assert "did you mean WEBHOOK_REDACT_PATTERNS?" in problem
    assert "nothing is delivered, and events wait" in problem
    assert "sEcReT" not in problem
