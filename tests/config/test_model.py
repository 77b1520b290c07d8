"""`WebhookConfig` as users have it: a frozen dataclass with documented fields, which checks what it is given."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, fields, is_dataclass, replace
from pathlib import Path

import pytest

from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.config.documentation import field_texts, make_markdown
from statsbot_webhooks.config.model import NOT_SETTINGS
from statsbot_webhooks.config.renewal import Renews, parts_to_renew, renews
from statsbot_webhooks.errors import ConfigError

URL = "https://discord.com/api/webhooks/123/abc"


def test_the_defaults() -> None:
    config = WebhookConfig()
    assert [getattr(config, item.name) for item in fields(config)[:13]] == [
        *(None, None, None, None),
        *(30, 5, 10.0, True, True, True, False, True, 2000),
    ]
    assert config.destinations == ()


def test_it_is_a_frozen_dataclass() -> None:
    config = WebhookConfig(URL, batch_size=7, loggers={"a": LogLevel.INFO})
    assert is_dataclass(config)
    with pytest.raises(FrozenInstanceError):
        config.batch_size = 8  # type: ignore[misc]
    other = replace(config, use_embeds=False)
    assert (other.batch_size, other.use_embeds, config.use_embeds) == (7, False, True)
    assert other.destinations == config.destinations
    assert replace(config) == config
    assert asdict(config)["batch_size"] == 7
    assert copy.copy(config) == config


def test_values_are_converted() -> None:
    config = WebhookConfig(batch_size="7", log_level="info", guild_ids=[1, 2], admin_role_ids="3,4")  # type: ignore[arg-type]
    assert (config.batch_size, config.log_level) == (7, LogLevel.INFO)
    assert (config.guild_ids, config.admin_role_ids) == (frozenset({1, 2}), frozenset({3, 4}))


def test_wrong_values_are_named_by_position_and_by_name() -> None:
    with pytest.raises(ConfigError) as caught:
        WebhookConfig("nonsense", batch_size=0, batch_timeout_seconds=float("nan"), loggers=[])  # type: ignore[arg-type]
    names = [problem.replace(":", "").split()[0] for problem in caught.value.problems]
    assert names == ["WEBHOOK_ERROR_URL", "WEBHOOK_BATCH_SIZE", "WEBHOOK_BATCH_TIMEOUT_SECONDS", "WEBHOOK_LOGGERS"]
    assert "nonsense" not in str(caught.value)
    # Neither in what Python prints below a traceback.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_unknown_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no field bach_size"):
        WebhookConfig(bach_size=3)  # type: ignore[call-arg]


def test_no_secret_is_printed() -> None:
    config = WebhookConfig(URL, redact_patterns=("sEcReT",), heartbeat_url=f"{URL}/sEcReT")  # type: ignore[arg-type]
    assert "sEcReT" not in repr(config)
    assert "abc" not in repr(config)


def test_a_config_can_be_copied_and_pickled() -> None:
    config = WebhookConfig(URL, batch_size=9)
    for other in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):  # noqa: S301 - our own bytes
        assert other == config
        assert other.destinations[0].url.token == "abc"


def test_every_setting_says_what_it_renews() -> None:
    for item in fields(WebhookConfig):
        assert renews(item), item.name
    old = WebhookConfig(URL)
    assert parts_to_renew(old, replace(old)) == frozenset()
    assert parts_to_renew(old, replace(old, batch_size=9)) == {Renews.WORKERS}
    assert parts_to_renew(old, replace(old, log_level="INFO", mask_user_ids=True)) == {Renews.CAPTURE, Renews.REDACTOR}  # type: ignore[arg-type]
    assert Renews.ROUTER in parts_to_renew(old, WebhookConfig())
    assert parts_to_renew(old, replace(old, hold_reason="x")) == {Renews.WORKERS}


def test_every_setting_is_documented_where_it_stands() -> None:
    texts = field_texts()
    for item in fields(WebhookConfig):
        if item.name not in NOT_SETTINGS or item.name == "destinations":
            assert texts[item.name].endswith("."), item.name


def test_the_document_of_the_settings_is_up_to_date() -> None:
    path = Path(__file__).parents[2] / "docs" / "settings.md"
    if not path.exists():
        pytest.skip("no docs here: these tests run from a wheel")
    assert path.read_text("utf-8") == make_markdown(), "run `make settings`"


@pytest.mark.parametrize("role", ["admin_role_ids", "ping_role_id"])
@pytest.mark.parametrize("server", ["admin_guild_id", "guild_ids"])
def test_the_role_of_everyone_is_refused_with_the_reason(role: str, server: str) -> None:
    values: dict[str, str] = {server: "123456789012345678", role: "123456789012345678"}
    with pytest.raises(ConfigError, match=rf"WEBHOOK_{role.upper()}: .* @everyone role"):
        WebhookConfig(**values)  # type: ignore[arg-type]
    assert getattr(WebhookConfig(**(values | {role: "5"})), role) in (5, frozenset({5}))  # type: ignore[arg-type]
