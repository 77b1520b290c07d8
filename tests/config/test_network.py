"""Which proxy a request takes: the setting, the bot's, the environment's; and what of it may be seen."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.config.description import describe_settings
from statsbot_webhooks.config.network import Network, proxy_of_bot, proxy_secrets
from statsbot_webhooks.config.sources import read_sources
from statsbot_webhooks.errors import ConfigError

DISCORD = "https://discord.com/api/v10"
PASSWORD = "hunter2-sEcReT"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        for each in (name, name.upper()):
            monkeypatch.delenv(each, raising=False)


def test_the_setting_the_bot_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Network().find_proxy(DISCORD) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://env:1")
    assert Network().find_proxy(DISCORD) == "http://env:1"
    bot = SecretStr("http://bot:2")
    assert Network(bot_proxy=bot).find_proxy(DISCORD) == "http://bot:2"
    config = WebhookConfig(proxy="http://mine:3")  # type: ignore[arg-type]
    assert Network.of(config, bot).find_proxy(DISCORD) == "http://mine:3"
    assert Network.of(WebhookConfig(proxy="None"), bot).find_proxy(DISCORD) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "no_proxy", "expected"),
    [
        ("https_proxy", "proxy.example:3128", "", "http://proxy.example:3128"),
        ("ALL_PROXY", "http://all:1", "", "http://all:1"),
        ("HTTP_PROXY", "http://plain:1", "", None),
        ("HTTPS_PROXY", "socks5://s:1", "", None),
        ("HTTPS_PROXY", "http://p:1", "discord.com", None),
        ("HTTPS_PROXY", "http://p:1", ".discord.com", None),
        ("HTTPS_PROXY", "http://p:1", "example.com, *", "http://p:1"),
        ("HTTPS_PROXY", "http://p:1", "*", None),
        ("HTTPS_PROXY", "http://p:1", "notdiscord.com", "http://p:1"),
        ("HTTPS_PROXY", "http://p:1", "a.example,*.discord.com", None),
        ("HTTPS_PROXY", "http://p:1", "a.example *.COM", None),
        ("HTTPS_PROXY", "http://p:1", "discord.com:443", None),
        ("HTTPS_PROXY", "http://p:1", "discord.com:8443", "http://p:1"),
        ("HTTPS_PROXY", "http://p:1", "https://discord.com", None),
        ("HTTPS_PROXY", "http://p:1", "discord.com.", None),
        ("HTTPS_PROXY", "http://p:1", "sub.discord.com, ., 10.0.0.0/8, [::1", "http://p:1"),
    ],
)
def test_the_environment(monkeypatch: pytest.MonkeyPatch, name: str, value: str, no_proxy: str, expected: str | None) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Network().find_proxy(DISCORD) == expected


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_direct"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.3:80", False),
        ("11.1.2.3", "10.0.0.0/8, fd00::/8", False),
        ("[fd00::7]", "fd00::/8", True),
        ("[fd00::7]", "[fd00::7]", True),
        ("[fd00::7]", "[fd00::7]:443", True),
        ("[fd00::7]", "10.0.0.0/8 fd00::8", False),
    ],
)
def test_addresses_that_need_no_proxy(monkeypatch: pytest.MonkeyPatch, host: str, no_proxy: str, is_direct: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (Network().find_proxy(f"https://{host}/topic") is None) is is_direct


@pytest.mark.parametrize("url", ["http://127.0.0.1:8686/api", "http://localhost:1/", "http://[::1]:1/"])
def test_this_machine_needs_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    assert Network().find_proxy(url) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"socks5://u:{PASSWORD}@x:1", "SOCKS proxy cannot be used"),
        (f"ftp://u:{PASSWORD}@x:1", "must be the address of a proxy"),
        ("http://", "must be the address of a proxy"),
        ("http://x:port", "must be the address of a proxy"),
        ("", "must be the address of a proxy"),
    ],
)
def test_a_wrong_proxy_is_said_without_its_password(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        WebhookConfig(proxy=text)  # type: ignore[arg-type]
    assert PASSWORD not in str(caught.value)


def test_the_password_is_shown_nowhere() -> None:
    address = f"http://us%40er:{PASSWORD}%21@proxy:3128"
    config = WebhookConfig(proxy=address)  # type: ignore[arg-type]
    shown = f"{config} {config!r} {Network.of(config)} {describe_settings(read_sources({'WEBHOOK_PROXY': address}, None))}"
    assert PASSWORD not in shown
    assert proxy_secrets(SecretStr(address)) == (f"{PASSWORD}%21", f"{PASSWORD}!")


# aiohttp 3.14 has another name for credentials, which discord.py does not use yet.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
def test_the_credentials_of_the_bot_become_a_part_of_the_address() -> None:
    auth = aiohttp.BasicAuth("us@er", "pass:word")
    http: Any = SimpleNamespace(proxy="http://proxy:3128", proxy_auth=auth)
    assert proxy_of_bot(http) == SecretStr("http://us%40er:pass%3Aword@proxy:3128")
    assert proxy_of_bot(SimpleNamespace(proxy=None, proxy_auth=auth)) is None


@pytest.mark.parametrize(("content", "reason"), [(None, "it cannot be read"), ("no certificate", "it holds no certificates")])
def test_a_wrong_bundle_is_named(tmp_path: Path, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ConfigError, match=f"WEBHOOK_CA_BUNDLE: must be a file of certificates in PEM form; {reason}"):
        WebhookConfig(ca_bundle=str(tmp_path / "ca.pem"))


def test_the_time_that_an_answer_may_take() -> None:
    timeout = Network.of(WebhookConfig(send_timeout_seconds=300)).timeout
    assert timeout.sock_read == 300
    assert timeout.total is not None
    assert timeout.total > 300
