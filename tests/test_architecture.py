"""The layers of design.md, section 3, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "statsbot_webhooks"
PURE = ("event", "event_factory", "redact", "route", "batch", "message_formatter", "limits", "stats", "errors")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_pure_modules_do_not_import_discord() -> None:
    for name in PURE:
        assert not [i for i in imports(ROOT / f"{name}.py") if i.split(".")[0] in ("discord", "aiohttp", "asyncio")], name


def test_the_sandbox_imports_nothing_of_ours() -> None:
    for path in (ROOT / "sandbox").glob("*.py"):
        assert not [i for i in imports(path) if i.startswith(("..", "statsbot_webhooks"))], path.name


def test_only_the_transport_sends() -> None:
    for path in ROOT.rglob("*.py"):
        if "sandbox" in path.parts or path.name in ("transport.py", "commands.py"):
            continue
        assert "webhook.send(" not in path.read_text(), path.name


def test_files_are_short() -> None:
    long = {path.name: n for path in ROOT.rglob("*.py") if (n := len(path.read_text().splitlines())) > 400}
    assert not long
