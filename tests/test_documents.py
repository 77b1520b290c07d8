"""Documents and code agree: links lead somewhere, and codes in comments are explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"\(((?:[WHGLS]\d+)(?:, (?:[WHGLS]\d+))*)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = [link.partition("#")[0] for link in _LINK.findall(page.read_text("utf-8"))]
    missing = [target for target in targets if target and "://" not in target and not (page.parent / target).exists()]
    assert not missing


def test_codes_in_comments_are_explained() -> None:
    notes = (ROOT / "docs" / "discord-notes.md").read_text("utf-8")
    explained = set(re.findall(r"^- \*\*(\w\d+)\*\*", notes, re.MULTILINE))
    named: set[str] = set()
    for path in (ROOT / "statsbot_webhooks").rglob("*.py"):
        for group in _CODE.findall(path.read_text("utf-8")):
            named |= set(group.split(", "))
    assert named
    assert named <= explained
