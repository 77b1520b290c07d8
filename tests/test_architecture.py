"""The layers of design.md, section 3, and the rules of hand that can be read from the source."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "statsbot_webhooks"
FILES = sorted(ROOT.rglob("*.py"))
# From what a host touches to what knows nothing. A module imports only from its own folder and from lines below.
LAYERS = (
    "__main__",
    "__init__",
    "cli",
    "cog",
    "commands",
    "integration",
    "runtime",
    "webhook_manager",
    "host_access",
    "admin",
    "monitoring",
    "delivery",
    "capture",
    "pipeline",
    "formatting",
    "issues",
    "storage",
    "config",
    "redaction",
    "current_manager",
    "events",
    "feedback",
    "patching",
    "clock",
    "errors",
)
# They stand beside the package: the sandbox imports nothing of ours, and `testing` only the sandbox and the public names.
BESIDE = ("sandbox", "testing")
PURE = ("events", "formatting", "redaction")


def parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """Return what a file consists of."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


@functools.cache
def imports(path: Path) -> list[str]:
    """Return each imported module with its whole name."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    package = ["statsbot_webhooks", *parts(path)[:-1]]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            modules = [name for name in names if is_module(name)]
            yield from modules
            if len(modules) < len(names):
                yield base


def upward(path: Path) -> list[str]:
    """Return the imports of a file that its layer does not allow."""
    here = parts(path)[0]
    wrong: list[str] = []
    for name in imports(path):
        top, _, rest = name.partition(".")
        there = rest.split(".")[0]
        if top != "statsbot_webhooks" or there == here or (there not in LAYERS and there not in BESIDE):
            continue
        is_above = here in LAYERS and there in LAYERS and LAYERS.index(there) < LAYERS.index(here)
        if is_above or here == "sandbox" or (here == "testing" and there not in BESIDE):
            wrong.append(name)
    return wrong


def test_every_module_has_a_layer() -> None:
    assert {parts(path)[0] for path in FILES} <= {*LAYERS, *BESIDE}


def test_a_module_imports_only_from_the_layers_below() -> None:
    assert not {"/".join(parts(path)): wrong for path in FILES if (wrong := upward(path))}


def test_modules_import_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        name = ".".join(["statsbot_webhooks", *parts(path)]).removesuffix(".__init__")
        graph[name] = set(imports(path))
    for start in graph:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            assert name != start, f"{start} imports itself by way of others"
            if name not in seen:
                seen.add(name)
                waiting += graph.get(name, ())


def test_pure_modules_import_no_discord() -> None:
    for path in FILES:
        if parts(path)[0] in PURE:
            assert not [name for name in imports(path) if name.split(".")[0] in ("discord", "aiohttp", "asyncio")], path


def test_only_the_transport_names_webhooks_of_discord() -> None:
    for path in FILES:
        if parts(path)[0] in BESIDE or parts(path)[:2] in (("delivery", "transport"), ("cli", "checks")):
            continue
        wrong = [name for name in used_names(path) if name.startswith("discord.") and name.endswith("Webhook")]
        assert not wrong, path


def test_a_class_name_has_one_meaning() -> None:
    """Also between the package and the sandbox; a leading underscore does not make it another name."""
    places: dict[str, list[str]] = {}
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append("/".join(parts(path)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_files_are_short() -> None:
    assert not {path.name: n for path in FILES if (n := len(path.read_text("utf-8").splitlines())) > 400}


def test_few_files_lie_loose() -> None:
    assert len(list(ROOT.glob("*.py"))) <= 12


# `testing` turns the clocks of a bot under test; the demo's bot plays a user's bot, which blocks its loop.
_CLOCKS = {("clock",), ("sandbox", "clock"), ("cli", "demo_bot"), ("testing", "running"), ("testing", "skipping")}
_READS = re.compile(r"time|time\..+|(?:.+\.)?(?:(?:datetime|date)\.(?:now|today)|utcnow)")


def test_only_the_clock_reads_the_time_and_sleeps() -> None:
    wrong: list[str] = []
    for path in FILES:
        if parts(path) in _CLOCKS:
            continue
        named = [name for name in used_names(path) if _READS.fullmatch(name)]
        # Who only names it looks for frames that sleep.
        calls = [dotted_name(node.func) for node in nodes(path) if isinstance(node, ast.Call)]
        named += [name for name in [*calls, *imported_names(path)] if name == "asyncio.sleep"]
        wrong += [f"{'/'.join(parts(path))}: {name}" for name in named]
    assert not wrong


def used_names(path: Path) -> list[str]:
    """Return each name with dots that a program uses, as `asyncio.sleep`, or imports; what a text says is none."""
    # To write out a whole file again takes seconds for all of them.
    dotted = [name for node in nodes(path) if isinstance(node, ast.Attribute) and (name := dotted_name(node))]
    return [*dotted, *imported_names(path)]


def imported_names(path: Path) -> list[str]:
    """Return each module and each name of a module that a file imports: under another name it would not be seen."""
    found = [alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names]
    froms = [node for node in nodes(path) if isinstance(node, ast.ImportFrom) and not node.level]
    return found + [f"{node.module}.{alias.name}" for node in froms for alias in node.names]


def dotted_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{base}.{node.attr}" if (base := dotted_name(node.value)) else ""
    return node.id if isinstance(node, ast.Name) else ""
