"""Secrets by shape, by name, in prose and by value: none remains, and nothing harmless goes with them."""

from __future__ import annotations

from dataclasses import fields
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsbot_webhooks import WebhookConfig, load_webhook_config
from statsbot_webhooks.config.model import setting_name
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.key_names import NameKind, name_kind
from statsbot_webhooks.redaction.known_values import secret_values
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.token_patterns import passes_luhn

from ..encodings import ENCODINGS, core
from .marks import nameless

# Put together here, so that no scanner of repositories takes this file for a leak.
_RANDOM = "4Fz8q1LmX0pR7sT2vB9nK3cW6yJ5dH8gA1eQ4uZ7iO0xN2rM9fV3kP6bS5wC8tYh"
SHAPES = {
    "AWS": "AK" + "IA" + "Q3EGRIPZ7TLWX2VA",
    "Google": "AI" + "za" + _RANDOM[:35],
    "Google OAuth": "GOC" + "SPX-" + _RANDOM[:28],
    "Azure": "abc8" + "Q~" + _RANDOM[:34],
    "GitHub": "gh" + "p_" + _RANDOM[:36],
    "GitHub fine-grained": "github" + "_pat_" + _RANDOM[:22] + "_" + _RANDOM[:59],
    "GitLab": "gl" + "pat-" + _RANDOM[:20],
    "Slack": "xo" + "xb-123456789012-1234567890123-" + _RANDOM[:24],
    "Stripe": "sk" + "_live_" + _RANDOM[:24],
    "OpenAI": "sk" + "-proj-" + _RANDOM[:48],
    "Anthropic": "sk" + "-ant-api03-" + _RANDOM + "AA",
    "Telegram": "123456789" + ":A" + _RANDOM[:34],
    "Twilio": "S" + "K" + "0123456789abcdef" * 2,
    "SendGrid": "S" + "G." + _RANDOM[:22] + "." + _RANDOM[:43],
    "npm": "np" + "m_" + _RANDOM[:36],
    "PyPI": "py" + "pi-AgEIcHlwaS5vcmc" + _RANDOM,
    "Hugging Face": "h" + "f_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "JWT": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0." + _RANDOM[:43],
    "bot token": "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDe." + _RANDOM[:38],
    "webhook": "https://discord.com/api/v10/webhooks/123456789012345678/" + _RANDOM,
    "webhook URL-encoded": quote("https://discord.com/api/webhooks/123456789012345678/" + _RANDOM, safe=""),
    "Slack webhook": "https://hooks.slack" + ".com/services/T00/B00/" + _RANDOM[:24],
    "card": "4111 1111 1111 1111",
    "Amex": "378282246310005",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\n" + (_RANDOM + "\n") * 3 + "-----END RSA PRIVATE KEY-----",
    "private key in JSON": "-----BEGIN PRIVATE KEY-----\\n" + (_RANDOM + "\\n") * 3 + "-----END PRIVATE KEY-----\\n",
    "private key cut off": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + (_RANDOM + "\n") * 2 + _RANDOM[:20],
}
WORDS = st.text("abc xyz,.:;()[]{}\"'\n äöü日本🎉\u200b", max_size=40)


@pytest.mark.parametrize("around", ["{}", "key {} used", '"{}",', "x={}&y=1", "({})", "<{}>", "`{}`.", "é{}é"])
def test_shapes(around: str) -> None:
    redactor = Redactor()
    for name, secret in SHAPES.items():
        clean = redactor.redact_text(around.format(secret))
        tail = secret.replace("%2F", "/").rpartition("/")[2]
        assert not [part for part in (tail[4:20], tail[-12:-2], _RANDOM[:16]) if part in clean], name
        assert "[redacted" in clean, name


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgres://bob:hunter2@db/x", "postgres://bob:[redacted]@db/x"),
        ("amqp://u:p@ss/w0rd@host:5672", "amqp://u:[redacted]@host:5672"),
        ("redis://:hunter2@host:6379/0", "redis://:[redacted]@host:6379/0"),
        ("https://0123456789abcdef0123@github.com/a/b", "https://[redacted]@github.com/a/b"),
        ("Authorization: Bearer abc.def-123", "Authorization: [redacted]"),
        ("Cookie: a=1; b=2\nHost: x", "Cookie: [redacted]\nHost: x"),
        ("got bearer abcdefgh12345678 from it", "got bearer [redacted] from it"),
        ("run --password hunter2 --verbose", "run --password [redacted] --verbose"),
        ("<password>hunter2</password>", "<password>[redacted]</password>"),
        ("[('X-Api-Key', 'hunter2'), ('a', 'b')]", "[('X-Api-Key', [redacted]), ('a', 'b')]"),
        ('{\\"password\\": \\"hunter2\\", \\"a\\": 1}', '{\\"password\\": [redacted], \\"a\\": 1}'),
        ("the password is hunter2.", "the password is [redacted]."),
        ("the password for the db is 'open sesame'!", "the password for the db is [redacted]!"),
        ("Das Passwort lautet geheim1", "Das Passwort lautet [redacted]"),
        ("otp=123456 ok", "otp=[redacted] ok"),
        ("pass\u200bword=hunter2", "password=[redacted]"),
        ("card 4111 1111 1111 1111 12/27 123", "card [redacted] 12/27 123"),
        ("visa: 4111 1111 1111 1111, 3 items", "visa: [redacted], 3 items"),
        ("4111 1111 1111 1111 12/27", "[redacted] 12/27"),
        ("4111111111111111|12|2027|123", "[redacted]|12|2027|123"),
        ("4111111111111111,12/27,Anna", "[redacted],12/27,Anna"),
        ("face 4111 1111 1111 1111 cafe", "face [redacted] cafe"),
    ],
)
def test_what_stands_before_tells(text: str, clean: str) -> None:
    assert nameless(Redactor().redact_text(text)) == clean


@pytest.mark.parametrize(
    "text",
    [
        "token_count=5",
        "tokens: 5 of 100",
        "max_token=100",
        "the token is wrong",
        "the password is too short",
        "the password was changed for anna",
        "token=None, retry",
        "password: str",
        "token_url=https://x.org/token",
        "PWD=/home/bot",
        "http://host:8080/@scope/name",
        "https://user@host/path",
        "guild 111111111111111111 channel 222222222222222222",
        "4111 1111 1111 1112 is no card",
        "1234 4111 1111 1111 1111 5555",
        "542E 542F 5430 5431 5432 5433 543A",
        "4111111111111111 of 12 items, 4111111111111111,12,27,5",
        "statsbot_webhooks_runtime.capture.test_of_a_very_long_function_name",
        "basic authentication-related-question",
        "bearer of bad news",
        "secretary: anna",
        "bypassword",
        "at 2026-11-24 22:15:09.936938 in 1795558511936938",
        "sk-learn-contributors-are-many-people",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "user-7f3a9c joined",
        "👩‍👩‍👧 שלום",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert Redactor().redact_text(text) == text


def test_luhn() -> None:
    assert passes_luhn("4111111111111111")
    assert not passes_luhn("4111111111111112")


def test_names() -> None:
    for name in ("password", "DB_PASSWORD", "clientSecret", "X-Api-Key", "aws_secret_access_key", "GITHUB_TOKEN", "tokenValue"):
        assert name_kind(name) is NameKind.SECRET, name
    for name in ("token_count", "tokens", "max_tokens", "token_id", "secret_name", "tokenizer", "has_password", "author"):
        assert name_kind(name) is not NameKind.SECRET, name


SECRET = st.one_of(
    st.text("abcXYZ0189-_.~+/=!#%*$&?", min_size=10, max_size=70),
    st.text("abcXYZ0189é日\"'\\\n<>&", min_size=12, max_size=30),
)


def whole(secret: str) -> bool:
    """Whether a text is the kind of value that the environment's rules take for a secret."""
    return bool(secret_values({"API_KEY": secret})) and secret.strip() == secret and len(secret.splitlines()) == 1


@given(SECRET.filter(whole), st.sampled_from(sorted(ENCODINGS)), WORDS, WORDS)
@example("a+/b" * 12 + "=" * 3, "base64 after one byte", "", "")
def test_a_value_is_found_in_every_encoding(secret: str, encoding: str, before: str, after: str) -> None:
    coded = ENCODINGS[encoding](secret)
    redactor = Redactor(secrets=[secret])
    clean = redactor.redact_text(f"{before}{coded}{after}")
    assert secret not in clean
    assert core(encoding, secret) not in clean
    assert before + after == "" or before in clean or before.replace("\u200b", "") in clean


def test_long_secrets_are_found_in_parts() -> None:
    key = "".join(f"{number:x}Zq{number * 7:o}" for number in range(200))
    redactor = Redactor(secrets=[key])
    assert nameless(redactor.redact_text(f"a {key} b")) == "a [redacted] b"
    assert key[100:150] not in redactor.redact_text(f"cut off: {key[:400]}")


def test_which_values_of_the_environment_are_secret() -> None:
    environ = {
        "DISCORD_TOKEN": "abcdefgh-12345",
        "DB_PASSWORD": "hunter2",
        "API_KEYS": "first-key-1,second-key-2",
        "DATABASE_URL": "postgres://bob:pa55word@db.example.org:5432/stats",
        "WEBHOOK_ERROR_URL": "https://discord.com/api/webhooks/1/" + _RANDOM,
        "SOMETHING": "x8Kq2LmZ0pR7sT2vB9nK3cW6",
        "PATH": "/usr/local/bin:/usr/bin",
        "LOG_LEVEL_TOKEN": "INFO",
        "USE_SECRET": "true",
        "HOSTNAME": "my-host-01.internal.example.org",
        "ADMIN_GUILD_ID": "123456789012345678",
        "SOURCE_VERSION": "3f786850e387550fdab836ed7e6dc881de23001b",
        "TOKEN_FILE": "/run/secrets/token",
        "SESSION": "ubuntu-wayland-session-24",
        "LANG": "en_US.UTF-8",
        "TEST_PASSWORD": "password",
    }
    assert secret_values(environ) == {
        *("abcdefgh-12345", "hunter2", "first-key-1,second-key-2", "first-key-1", "second-key-2", "pa55word", _RANDOM),
        "x8Kq2LmZ0pR7sT2vB9nK3cW6",
    }


@pytest.mark.parametrize(
    "address", ["http://user:{}@proxy.example:3128", "user:{}@proxy.example:3128", "socks5h://user:{}@10.0.0.1:1080"]
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "WEBHOOK_PROXY", "all_proxy"])
def test_the_password_of_a_proxy_is_one_with_and_without_a_scheme(name: str, address: str) -> None:
    assert secret_values({name: address.format("Zx81-pw.Pw9")}) == {"Zx81-pw.Pw9"}
    assert not secret_values({name: "proxy.example:3128", "NO_PROXY": "a@b.example,10.0.0.0/8"})


def event(message: str = "", **values: object) -> Event:
    return Event(EventKind.LOG, LogLevel.INFO, message, 0.0, **values)  # type: ignore[arg-type]


def test_every_place_of_an_event_is_redacted() -> None:
    secret = "Zx81-planted-Secret"
    places = {
        "message": f"m {secret}",
        "template": secret,
        "origin": f"log.{secret}",
        "traceback": f'File "/srv/{secret}/x.py"\nValueError: {secret}',
        "title": secret,
        "card": f"card/{secret}",
        "avatar_url": f"https://x.org/{secret}.png",
        "persons": (Person(1, (secret, "anna")),),
        "files": (
            EventFile(f"{secret}.txt", f"text {secret}", f"data {secret}".encode()),
            EventFile("a.png", "", b"\xff" + secret.encode()),
        ),
        "context": {
            secret: 1,
            "deep": [{"a": [secret, {"b": f"x{secret}x"}]}],
            "headers": [["Authorization", "Basic x"]],
            "field": {"name": "password", "value": "open"},
            "number": 987654321012,
        },
    }
    clean = Redactor(secrets=[secret, "987654321012"]).redact(event(**places))  # type: ignore[arg-type]
    shown = repr(clean)
    assert secret not in shown
    assert "987654321012" not in shown
    assert "Basic x" not in shown
    assert "'open'" not in shown
    assert clean.persons[0].names[1] == "anna"


def test_user_patterns() -> None:
    config = load_webhook_config({"WEBHOOK_REDACT_PATTERNS": r"order-\d+;;(?i)kunde \w+"})
    redactor = Redactor(patterns=config.redact_patterns)
    assert nameless(redactor.redact_text("order-17 of Kunde Müller, orders")) == "[redacted] of [redacted]üller, orders"
    assert Redactor().redact_text("order-17") == "order-17"


@pytest.mark.parametrize("pattern", ["(secretpart", "(?<=a)b", r"(a)\1", "a*", "[z-a]"])
def test_a_bad_user_pattern_is_named_and_not_shown(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_webhook_config({"WEBHOOK_REDACT_PATTERNS": f"fine;;{pattern}"})
    assert "WEBHOOK_REDACT_PATTERNS" in str(caught.value)
    assert "secretpart" not in str(caught.value)
    with pytest.raises(ConfigError):
        WebhookConfig(redact_patterns=(pattern,))


@pytest.mark.parametrize("piece", ["password=a ", "eyJ", "4111 1111 1111 1111 ", "token: str ", "-----BEGIN PRIVATE KEY-----\n"])
def test_a_flood_of_secrets_ends_in_a_note(piece: str) -> None:
    clean = Redactor().redact_text(piece * (300_000 // len(piece)))
    assert "password=a" not in clean
    assert "4111" not in clean
    assert len(clean) < 300_000


@pytest.mark.parametrize(
    "piece",
    [
        *("mysql -p{}", "sudo x <<< {}", "unzip -P {} a.zip", 'auth("bob", "{}")', r"https:\/\/bob:{}@host.example/"),
        *("/reset/{}", "INSERT INTO u (name, password) VALUES ('bob', '{}')", "sms code {:.6}"),
        *("{0:.6}" + "0123456789" * 2 + "abcdef-us12", "{0:.6}" + "aB3dE6gH9j" * 7 + "AZDOaB3d"),
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
    ],
)
def test_what_goes_once_goes_a_thousand_times(piece: str) -> None:
    secrets = [f"{number}aB3dE6gH9jK2mN5p" for number in range(100_000, 101_100)]
    clean = Redactor().redact_text("\n".join(piece.format(secret) for secret in secrets))
    assert [secret for secret in secrets if secret[:6] in clean] == []


VARIABLES = [
    *(setting_name(item.name) for item in fields(WebhookConfig) if not item.name.startswith("destination")),
    *("WEBHOOK_OWN_URL", "WEBHOOK_INFO_LEVEL", "WEBHOOK_INFO_EVENTS", "WEBHOOK_INFO_GUILDS"),
]


@pytest.mark.parametrize(
    "value", ["(hunter2-Planted-Secret", "redis://:hunter2-Planted-Secret@host/0", "mybot:hunter2-Planted-Secret"]
)
def test_no_error_about_settings_shows_their_values(value: str, caplog: pytest.LogCaptureFixture) -> None:
    url = "https://discord.com/api/webhooks/123456789012345678/" + _RANDOM
    for variable in VARIABLES:
        shown = ""
        try:
            shown = repr(load_webhook_config({"WEBHOOK_INFO_URL": url, variable: value}))
        except ConfigError as error:
            shown = f"{error!r} {error.problems} {error.__cause__!r} {error.__context__!r}"
        assert "hunter2" not in caplog.text, variable
        assert _RANDOM not in shown, variable
        if not shown.startswith("WebhookConfig"):
            assert "hunter2" not in shown, variable
            assert variable in shown
