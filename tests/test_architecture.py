"""The layers of design.md, section 3, and the rules of hand that can be read from the source."""

from __future__ import annotations

import ast
import functools
import re
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
_IMPORTERS = ("importlib.import_module", "importlib.__import__", "__import__")


def parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


@functools.cache
def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """Return what a file consists of."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


@functools.cache
def bound_names(path: Path) -> dict[str, str]:
    """Return what each name stands for that a file imports (`dt`: `datetime.datetime`), or sets to something imported."""
    package = ["statsbot_webhooks", *parts(path)[:-1]]
    bound: dict[str, str] = {}
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for each in node.names:
                bound[each.asname or each.name.partition(".")[0]] = each.name if each.asname else each.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            bound |= {each.asname or each.name: f"{base}.{each.name}" for each in node.names}
    imported = dict(bound)
    for node in nodes(path):
        if isinstance(node, ast.Assign) and (name := whole_name(node.value, imported)):
            bound |= {each.id: name for each in node.targets if isinstance(each, ast.Name) and each.id not in imported}
    return bound


def whole_name(node: ast.expr, bound: dict[str, str]) -> str:
    """Return what an expression names, as `asyncio.sleep`, by any way to it; empty for what is not imported."""
    match node:
        case ast.Name(name):
            return bound.get(name, "__import__" if name == "__import__" else "")
        case ast.Attribute(base, name):
            found = whole_name(base, bound)
        case ast.Call(ast.Name("getattr"), [base, ast.Constant(str(name)), *_]):
            found = whole_name(base, bound)
        case ast.Subscript(ast.Attribute(base, "__dict__") | ast.Call(ast.Name("vars"), [base]), ast.Constant(str(name))):
            found = whole_name(base, bound)
        case ast.Call(function, arguments):
            found = whole_name(function, bound)
            if found in _IMPORTERS:
                return next(
                    (each.value for each in arguments if isinstance(each, ast.Constant) and isinstance(each.value, str)), ""
                )
            return f"{found}()" if found else ""
        case ast.Subscript(base, ast.Constant(str(name))) if whole_name(base, bound) == "sys.modules":
            return name
        case _:
            return ""
    return f"{found}.{name}" if found else ""


@functools.cache
def used_names(path: Path) -> list[str]:
    """Return each name that a file imports or reaches from what it imports; what a text says is none."""
    bound = bound_names(path)
    reached = [whole_name(node, bound) for node in nodes(path) if isinstance(node, ast.Attribute | ast.Call | ast.Subscript)]
    modules = [each.name for node in nodes(path) if isinstance(node, ast.Import) for each in node.names]
    return [*filter(None, reached), *modules, *bound.values()]


@functools.cache
def imports(path: Path) -> list[str]:
    """Return each module that a file imports, with its whole name."""
    return list(dict.fromkeys(map(module_of, used_names(path))))


def named_modules(path: Path) -> list[str]:
    """Return the modules of ours that stand in a text, as `import_module` and `sys.modules` want them."""
    texts = [node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    package = ["statsbot_webhooks", *parts(path)[:-1]]
    relative = [text for text in texts if re.fullmatch(r"\.+\w[\w.]*", text)]
    whole = [".".join([*package[: len(package) + 1 - len(text) + len(text.lstrip("."))], text.lstrip(".")]) for text in relative]
    return [text for text in [*texts, *whole] if text.startswith("statsbot_webhooks.") and is_module(text)]


@functools.cache
def origin(name: str) -> str:
    """Return what a name is called where it comes from, when a module of ours only passes it on."""
    module = module_of(name)
    first, dot, rest = name[len(module) + 1 :].partition(".")
    if module == name or not module.startswith("statsbot_webhooks"):
        return name
    file = ROOT.parent.joinpath(*module.split("."))
    there = bound_names(file / "__init__.py" if file.is_dir() else file.with_suffix(".py")).get(first, "")
    return origin(there + dot + rest) if there and there != f"{module}.{first}" else name


@functools.cache
def module_of(name: str) -> str:
    """Return the module of a name: of ours the file that has it, else all of it."""
    if name.partition(".")[0] != "statsbot_webhooks":
        return name
    while not is_module(name):
        name = name.rpartition(".")[0]
    return name


def upward(path: Path) -> list[str]:
    """Return the imports of a file that its layer does not allow."""
    here = parts(path)[0]
    wrong: list[str] = []
    for name in [*imports(path), *named_modules(path)]:
        top, _, rest = name.partition(".")
        there = rest.split(".")[0] or "__init__"
        if top != "statsbot_webhooks" or there == here or (here == "testing" and there in ("__init__", *BESIDE)):
            continue
        is_above = here in LAYERS and there in LAYERS and LAYERS.index(there) < LAYERS.index(here)
        if is_above or here in BESIDE:
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


# A library that speaks HTTP; `aiohttp` does in a session, which `config/network.py` makes for all.
_SPEAKS_HTTP = re.compile(
    r"aiohttp\.(?:ClientSession\(\)|request)|urllib\.request\.(?:urlopen|Request|build_opener)"
    r"|(?:http\.client|requests|httpx)\b.*"
)


def test_only_the_transport_sends() -> None:
    wrong: list[str] = []
    for path in FILES:
        if parts(path)[0] in BESIDE or parts(path)[:2] in (("delivery", "transport"), ("cli", "checks")):
            continue
        for name in map(origin, used_names(path)):
            is_webhook = name.startswith("discord.") and ("Webhook" in name or name.startswith("discord.webhook"))
            if is_webhook or (parts(path) != ("config", "network") and _SPEAKS_HTTP.fullmatch(name)):
                wrong.append(f"{'/'.join(parts(path))}: {name}")
    assert not wrong


def test_what_a_module_imports_has_names() -> None:
    assert not [path for path in FILES if any(name.endswith(".*") for name in used_names(path))]


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
_READS = re.compile(
    r"time(?:\..+)?|datetime\.(?:datetime|date)\.(?:now|today|utcnow)|discord\.utils\.(?:utcnow|sleep_until)"
    r"|asyncio\.(?:(?:tasks\.)?sleep\(\)|\w+_loop\(\)\.time)|threading\.Timer"
)


def test_only_the_clock_reads_the_time_and_sleeps() -> None:
    wrong: list[str] = []
    for path in FILES:
        if parts(path) not in _CLOCKS:
            # A loop that is only named (`asyncio.sleep` without a call) is looked for in a frame that sleeps.
            named = [name for name in used_names(path) if _READS.fullmatch(origin(name))]
            wrong += [f"{'/'.join(parts(path))}: {name}" for name in named]
    assert not wrong
