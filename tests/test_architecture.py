"""The layers of design.md, section 3, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "statsbot_webhooks"
PURE = (
    *("event", "event_factory", "redact", "route", "batch", "message_formatter", "limits", "stats", "errors"),
    *("destination", "fold", "tally", "mute", "tail", "tracebacks"),
    *("mask", "name_tree", "redact_rules", "redact_context", "redact_scan", "redact_values", "secret_names"),
    *(f"present/{path.stem}" for path in (ROOT / "present").glob("*.py")),
    *(f"capture/{name}" for name in ("departures", "prunes", "surge", "who", "member_cards", "member_texts", "crowd_cards")),
)


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
    for path in (ROOT / "sandbox").rglob("*.py"):
        outside = "." * len(path.relative_to(ROOT).parts)
        assert not [i for i in imports(path) if i.startswith((outside, "statsbot_webhooks"))], path.name


def test_only_the_transport_sends() -> None:
    for path in ROOT.rglob("*.py"):
        if "sandbox" in path.parts or path.name in ("transport.py",):
            continue
        assert "webhook.send(" not in path.read_text(), path.name


def test_files_are_short() -> None:
    long = {path.name: n for path in ROOT.rglob("*.py") if (n := len(path.read_text().splitlines())) > 400}
    assert not long


# From the dirty top to the pure bottom; a module imports only from lines below its own, or from its own package.
# Two arrows go the other way and are named with their reason.
LAYERS = (
    "__main__ __init__",
    "cli",
    "cog",
    "commands integration termination check",
    "tap",
    "statsbot_tree statsbot_monitor",
    "runtime",
    "webhook_manager",
    "steering sending upkeep",
    "capture delivery",
    "intake batch control handover erasure",
    "privacy",
    "settings",
    "storage message_formatter route redact",
    "present",
    "templates",
    "event_factory limits fold tally mute tail",
    "config",
    "redact_scan",
    "redact_values redact_context",
    "redact_rules secret_names mask",
    "destination",
    "stats clock event errors tracebacks own_records name_tree",
)
EXCEPTIONS = {
    ("capture", "runtime"): "a WebhookLogHandler made by hand finds the manager when it emits",
    ("delivery", "capture"): "the worker sets the variable that keeps its own records out (G1)",
}


def test_each_module_imports_only_from_the_layers_below() -> None:
    rank = {name: number for number, line in enumerate(LAYERS) for name in line.split()}
    wrong: list[str] = []
    for path in ROOT.rglob("*.py"):
        *folders, name = path.relative_to(ROOT).with_suffix("").parts
        here = folders[0] if folders else name
        if here == "sandbox":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            # `from .x import y`, seen from the top package: one dot there, two dots one folder down.
            if not isinstance(node, ast.ImportFrom) or node.level != len(folders) + 1:
                continue
            targets = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            wrong += [
                f"{here} -> {there}"
                for there in targets
                if there != "sandbox" and there != here and (here, there) not in EXCEPTIONS and rank[there] <= rank[here]
            ]
    assert not wrong
