"""Addresses of webhooks: every form that people have them in is read, or refused with the reason; none is shown."""

from __future__ import annotations

import pytest

from statsbot_webhooks.config import WebhookURL

URL = "https://discord.com/api/webhooks/123/abc"
TOKEN = "aB3-_" * 14


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://discordapp.com/api/webhooks/123/abc",
        "https://ptb.discord.com/api/v10/webhooks/123/abc",
        "https://canary.discord.com/api/webhooks/123/abc/",
        f"  {URL}\n",
        f'"{URL}"',
        f"'{URL}'",
        f"<{URL}>",
        f' "<{URL}>" ',
        f"\u201c{URL}\u201d",
        f"\ufeff{URL}\u200b",
        "https://discord.com/api/webhooks/123/a\u2060b\u00adc",
        f"{URL}?wait=true",
        f"{URL}?wait=true&with_components=true#copied",
        f"{URL}/?",
        "HTTPS://Discord.COM/API/Webhooks/123/abc",
        "https://PTB.discord.com/api/V9/webhooks/123/abc",
        f"{URL}\u00a0",
        f"{URL},",
        f'"{URL}";',
        f"({URL}).",
        f"\u00ab{URL}\u00bb",
        URL.removeprefix("https:"),
        URL.removeprefix("https://"),
    ],
)
def test_every_form_of_a_webhook_url(url: str) -> None:
    parsed = WebhookURL(url)
    assert (parsed.id, parsed.token, parsed.thread_id) == (123, "abc", None)
    assert "abc" not in f"{parsed} {parsed!r} {[parsed]}"


def test_the_token_keeps_its_case() -> None:
    assert WebhookURL(f"https://discord.com/API/webhooks/1/{TOKEN}").token == TOKEN


@pytest.mark.parametrize("query", ["thread_id=77", "wait=true&thread_id=77", "thread_id=77&wait=1", "thread_id=77#x"])
def test_a_thread_in_the_url(query: str) -> None:
    assert WebhookURL(f"{URL}?{query}").thread_id == 77


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"{URL}/slack", "it ends with /slack"),
        (f"{URL}/github?wait=true", "it ends with /github"),
        (f"{URL}?thread_id=here", "what follows thread_id= is not the id"),
        (f"http://discord.com/api/webhooks/1/{TOKEN}", "characters, http, on the site discord.com"),
        (f"https://discord.com.evil.example/api/webhooks/1/{TOKEN}", "on the site discord.com.evil.example"),
        (f"https://user:{TOKEN}@evil.example/x", "on the site evil.example"),
        (f"https://discord.com/channels/1/{TOKEN}", "on the site discord.com"),
        (TOKEN, "70 characters that do not begin with https://"),
        ("", "it is empty"),
        ("\u200b", "it is empty"),
        ("x", "1 character that does not begin"),
        (f"{URL} {URL}", "on the site discord.com"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a Discord webhook") as caught:
        WebhookURL(url)
    assert reason in str(caught.value)
    assert TOKEN not in str(caught.value)
