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


def test_each_promise_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "promises.md").read_text("utf-8")))
    there: set[str] = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)\(", path.read_text("utf-8")))
    assert named
    assert named <= there, sorted(named - there)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 1500
