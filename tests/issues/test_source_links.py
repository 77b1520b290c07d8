"""Own frames are linked to the line in the repository, and only where the line is certain."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from statsbot_webhooks import MessageFormatter, WebhookConfig
from statsbot_webhooks.config.checkout import find_checkout
from statsbot_webhooks.config.source_address import link_form
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.events.event import Event, EventKind, LogLevel
from statsbot_webhooks.issues.source_links import SourceLinks

from ..config.test_checkout import git, repository

__all__ = ["repository"]

BASE = "https://github.com/me/bot"


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("https://user:ghp_token@github.com/me/bot.git", f"{BASE}/blob/{{commit}}/{{path}}#L{{line}}"),
        ("https://ghp_token@github.com/me/bot", f"{BASE}/blob/{{commit}}/{{path}}#L{{line}}"),
        ("git@github.com:me/bot.git", f"{BASE}/blob/{{commit}}/{{path}}#L{{line}}"),
        ("ssh://git@github.com:22/me/bot.git", f"{BASE}/blob/{{commit}}/{{path}}#L{{line}}"),
        ("https://gitlab.com/a/b/c.git", "https://gitlab.com/a/b/c/-/blob/{commit}/{path}#L{line}"),
        ("https://gitlab.example.org:8443/a/b", "https://gitlab.example.org:8443/a/b/-/blob/{commit}/{path}#L{line}"),
        ("git@codeberg.org:me/bot.git", "https://codeberg.org/me/bot/src/commit/{commit}/{path}#L{line}"),
        ("https://me@bitbucket.org/me/bot.git", "https://bitbucket.org/me/bot/src/{commit}/{path}#lines-{line}"),
        ("https://code.example/x/{commit}/{path}?l={line}#top", "https://code.example/x/{commit}/{path}#top"),
        ("https://code.example/x/{path}#L{line}", "https://code.example/x/{path}#L{line}"),
        ("https://unknown.example/me/bot.git", ""),
        ("/srv/git/bot.git", ""),
        ("file:///srv/git/bot.git", ""),
        ("C:\\git\\bot", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_an_address_gives_the_form_of_its_links(address: str, form: str) -> None:
    if "?" in address:
        # A query may hold a token.
        assert "?" not in link_form(address)
    else:
        assert link_form(address) == form


def test_the_setting_keeps_no_token_and_refuses_what_has_no_form() -> None:
    config = WebhookConfig(source_url="https://user:ghp_token@github.com/me/bot.git")
    assert "ghp_token" not in repr(config)
    with pytest.raises(ConfigError):
        WebhookConfig(source_url="https://unknown.example/me/bot")


def event(path: Path, line: int = 7) -> Event:
    trace = (
        'Traceback (most recent call last):\n  File "/lib/python3/site-packages/discord/x.py", line 1, in run\n'
        f'> File "{path}", line {line}, in divide\n    1 / 0\nZeroDivisionError: division by zero\n'
    )
    return Event(EventKind.ERROR, LogLevel.ERROR, "ZeroDivisionError: division by zero", time.time(), "play", traceback=trace)


def links(repository: Path, source_url: str = "", shift: float = 100.0) -> SourceLinks:
    return SourceLinks(
        source_url,
        started=time.time() + shift,
        checkout=lambda: find_checkout(repository / "bot.py"),
        commit=lambda: git(repository, "rev-parse", "HEAD"),
    )


def shown(event: Event) -> str:
    return str(MessageFormatter(WebhookConfig()).format_event(event).to_payload()["embeds"])


def test_an_own_frame_is_linked_to_its_line(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    found = links(repository).add(event(repository / "cogs/shop.py"))
    assert f"[cogs/shop.py:7](<{BASE}/blob/{commit}/cogs/shop.py#L7>)" in shown(found)
    assert "ghp_token" not in str(found)
    assert "site-packages" not in str(found.facts)
    other = links(repository, "https://gitlab.com/a/b/-/blob/{commit}/{path}#L{line}").add(event(repository / "bot.py"))
    assert f"https://gitlab.com/a/b/-/blob/{commit}/bot.py#L7" in shown(other)


def test_no_link_where_the_line_is_not_certain(repository: Path) -> None:
    (repository / "shop.py").write_text("changed\n")
    (repository / "new.py").write_text("\n")
    certain = links(repository)
    for name in ("shop.py", "new.py", "missing.py"):
        assert not certain.add(event(repository / name)).facts
    # Pulled while the bot runs: what runs is what was there before.
    os.utime(repository / "bot.py")
    assert not links(repository, shift=-100).add(event(repository / "bot.py")).facts
    git(repository, "remote", "remove", "origin")
    assert not links(repository).add(event(repository / "bot.py")).facts
