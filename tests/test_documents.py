"""Documents and code agree: links lead somewhere, and codes in comments are explained."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import discord
import pytest
from discord.app_commands import Command
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.cog import WebhookCog
from statsbot_webhooks.commands import WebhookCommands

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"\(((?:[WHGLS]\d+)(?:, (?:[WHGLS]\d+))*)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = [link.partition("#")[0] for link in _LINK.findall(page.read_text("utf-8"))]
    missing = [target for target in targets if target and "://" not in target and not (page.parent / target).exists()]
    assert not missing


def test_paths_of_the_repository_exist() -> None:
    """Each `folder/` and `file.py` that the documents for contributors name is there; a row of the map names its folder first."""
    package = ROOT / "statsbot_webhooks"
    for name in ("CONTRIBUTING.md", "docs/architecture.md", "docs/discord-notes.md", "docs/security.md"):
        # What a heading names, with a library in front, is in that library.
        for line in re.sub(r"(?m)^## .*", "", (ROOT / name).read_text("utf-8")).splitlines():
            paths = re.findall(r"`(\.?[\w-]+(?:/[\w-]+)*(?:/|\.py))`", line)
            homes = [ROOT, package, *([package / paths[0]] if line.startswith("|") and paths else [])]
            missing = [path for path in paths if not any((home / path).exists() for home in homes)]
            assert not [path for path in missing if not path.startswith("src/")], f"{name}: {line}"


def test_on_a_package_index_no_link_of_the_readme_is_relative() -> None:
    # With a made-up address: while there is none, nothing is published.
    names = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")
    readme, address = (ROOT / "README.md").read_text("utf-8"), "https://git.example/someone/bot"
    rendered = names["with_absolute_links"](readme, address)
    relative = [link for link in _LINK.findall(rendered) if not link.startswith(("https://", "#"))]
    assert not relative
    assert f"({address}/raw/HEAD/docs/errors.png)" in rendered
    assert f"({address}/blob/HEAD/docs/settings.md)" in rendered
    # Without an address it is as it stands, and no address is made up.
    assert names["with_absolute_links"](readme, "") == readme
    assert names["project_urls"]("") == {}
    assert all(url.startswith(address) for url in names["project_urls"](address).values())


def test_codes_in_comments_are_explained() -> None:
    notes = (ROOT / "docs" / "discord-notes.md").read_text("utf-8")
    explained = set(re.findall(r"^- \*\*(\w\d+)\*\*", notes, re.MULTILINE))
    named: set[str] = set()
    for path in (ROOT / "statsbot_webhooks").rglob("*.py"):
        for group in _CODE.findall(path.read_text("utf-8")):
            named |= set(group.split(", "))
    assert named
    assert named <= explained


def test_each_promise_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "promises.md").read_text("utf-8")))
    there: set[str] = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)\(", path.read_text("utf-8")))
    assert named
    assert named <= there, sorted(named - there)


async def test_the_page_of_the_commands_names_each_with_what_it_says_of_itself() -> None:
    async with commands.Bot("!", intents=discord.Intents.none()) as bot:
        cog = WebhookCog(bot, WebhookConfig(storage="memory://"))
        there = {(each.name, each.description) for each in WebhookCommands(cog).group.commands if isinstance(each, Command)}
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert set(re.findall(r"^\| `/webhooks (\w+)`.* \| ([^|]+) \|$", page, re.MULTILINE)) == there


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 1500
