"""StatsBot's own modules: what goes through its tree log, performance monitor and member events is shipped too.

Each function returns True, or False after logging the reason once. `remove_integrations` undoes all of them.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FunctionType, ModuleType
from typing import Any, Final, cast

from discord.ext import commands

from .capture.members import MemberHooks
from .config import WebhookConfig
from .errors import WebhookLoggingError
from .event import Event, EventKind, LogLevel, to_plain
from .event_factory import error_event, performance_event
from .runtime import get_webhook_manager
from .tap import is_tapped, tap_function, tap_method

_log = logging.getLogger(__name__)
_TREE_MODULES: Final = ("src.utils.tree_log", "tree_log")
_MONITOR_MODULES: Final = ("src.utils.performance",)
# Kept outside the package: discord.py purges the package's modules when the extension is reloaded (L1, L2).
_KEEPER: Final = "_statsbot_webhooks_integrations"
# What the tree functions call the text that a reader should see first.
_TEXT_KEYS: Final = ("title", "message", "reason", "bot_name")


def integrate_with_tree_log(module: ModuleType | None = None) -> bool:
    """Ship each call of the tree log's `log_*` functions once, whoever imported them and how."""
    module = module or _import_first(_TREE_MODULES)
    if module is None:
        return _refuse(f"tree log: none of {', '.join(_TREE_MODULES)} can be imported; pass the module")
    found = _tree_functions(module)
    if not found:
        return _refuse(f"tree log: {module.__name__} has no functions whose name begins with log_")
    for function in found:
        if not is_tapped(function):
            _keep(tap_function(function, _tree_report(function.__name__)))
    return True


def integrate_with_performance_monitor(monitor: object | None = None) -> bool:
    """Ship the alerts of a `PerformanceMonitor`: memory above its thresholds, and slow operations."""
    if monitor is None:
        monitor = _import_first(_MONITOR_MODULES)
    if monitor is None:
        return _refuse(f"performance monitor: {_MONITOR_MODULES[0]} cannot be imported; pass the monitor")
    if isinstance(monitor, ModuleType):
        monitor = getattr(monitor, "performance_monitor", None)
    watched: Any = monitor
    reports: dict[str, Callable[[dict[str, Any]], None]] = {
        "_check_memory_thresholds": lambda call: _report_memory(watched, call),
        "_record_metric": lambda call: _report_duration(watched, call),
    }
    found = [name for name in reports if callable(getattr(watched, name, None))]
    if not found or not hasattr(watched, "thresholds"):
        return _refuse(f"performance monitor: {type(watched).__name__} has no thresholds that it checks")
    for name in found:
        if not is_tapped(getattr(watched, name)):
            _keep(tap_method(watched, name, reports[name]))
    return True


def integrate_with_member_events(bot: commands.Bot) -> bool:
    """Ship joins, leaves, kicks, bans and unbans, unless the extension on this bot does so already."""
    if not hasattr(bot, "add_listener"):
        return _refuse(f"member events: {type(bot).__name__} has no add_listener; it must be a commands.Bot")
    bots: list[object] = _keeper().__dict__.setdefault("bots", [])
    if _has_cog(bot) or any(each is bot for each in bots):
        return True
    if not bot.intents.members:
        _log.warning("the bot runs without the members intent: joins and leaves are not seen. Set intents.members = True")

    def submit(event: Event) -> None:
        # The extension may be loaded after us, and then ships the same.
        if not _has_cog(bot):
            _submit(event)

    try:
        settings = get_webhook_manager().config
    except WebhookLoggingError:
        settings = WebhookConfig()
    stack = ExitStack()
    MemberHooks(bot, submit, now=time.time, settings=settings).install(stack)
    bots.append(bot)
    stack.callback(bots.remove, bot)
    _keep(stack.close)
    return True


def remove_integrations() -> None:
    """Undo every integration, the last one first. Nothing is touched where the value is no longer ours."""
    undo: list[Callable[[], None]] = _keeper().__dict__.setdefault("undo", [])
    while undo:
        undo.pop()()


def _tree_functions(module: ModuleType) -> list[FunctionType]:
    """Return the module's own `log_*` functions, and those of its classes (`TreeLogger.log_section`)."""
    owners: list[Any] = [module, *(each for each in vars(module).values() if inspect.isclass(each))]
    values: list[object] = [value for owner in owners for value in cast("dict[str, object]", vars(owner)).values()]
    functions = [value for value in values if isinstance(value, FunctionType)]
    return [
        function
        for function in functions
        if function.__name__.startswith("log_")
        and function.__module__ == module.__name__
        # A coroutine function must stay one; the tree log has none.
        and not inspect.iscoroutinefunction(function)
    ]


def _tree_report(name: str) -> Callable[[dict[str, Any]], None]:
    def report(call: dict[str, Any]) -> None:
        details = {key: value for key, value in call.items() if key not in ("self", "emoji")}
        text_key = next((key for key in _TEXT_KEYS if key in details), None)
        text = str(details.pop(text_key)) if text_key else name
        message = f"{call.get('emoji') or ''} {text}".strip()
        level_name = str(details.pop("level", "ERROR" if "error" in name else "INFO")).upper()
        level = LogLevel(level_name) if level_name in LogLevel.__members__ else LogLevel.WARNING
        error = details.pop("error", None)
        details.update(_pairs(details.pop("items", ())))
        context = to_plain(details)
        if isinstance(error, BaseException):
            made = error_event(error, now=time.time())
            text = f"{message}: {made.message}"
            event = Event(made.kind, level, text, made.time, name, context, made.traceback, template=made.template)
        else:
            event = Event(EventKind.LOG, level, message, time.time(), name, context, template=text)
        _submit(event)

    return report


def _pairs(items: Any) -> dict[str, Any]:
    """Return the lines of a tree; equal keys, which a tree may have and a mapping may not, are numbered."""
    lines: dict[str, Any] = {}
    for key, value in items:
        name, number = str(key), 2
        while name in lines:
            name, number = f"{key} ({number})", number + 1
        lines[name] = value
    return lines


def _report_memory(monitor: Any, call: dict[str, Any]) -> None:
    usage = float(call["memory_usage"])
    for key, level in (("memory_critical", LogLevel.CRITICAL), ("memory_warning", LogLevel.WARNING)):
        threshold = monitor.thresholds.get(key)
        if threshold is not None and usage > threshold:
            context = {"level": level, "unit": "MB"}
            _submit(performance_event("memory_usage", usage, threshold, now=time.time(), context=context))
            return


def _report_duration(monitor: Any, call: dict[str, Any]) -> None:
    duration, threshold = float(call["duration"]), monitor.thresholds.get("slow_operation")
    if threshold is None or duration <= threshold or not call.get("log_slow", True):
        return
    function = getattr(call.get("func"), "__qualname__", "?")
    context = {"function": function, "category": call.get("category"), "unit": "ms"}
    _submit(performance_event("slow_operation", duration, threshold, now=time.time(), context=context))


def _submit(event: Event) -> None:
    # Before the first manager, and after the last one, the host's calls go on unshipped.
    try:
        manager = get_webhook_manager()
    except WebhookLoggingError:
        return
    manager.submit(event)


def _has_cog(bot: commands.Bot) -> bool:
    cog = bot.get_cog("Webhooks")
    return cog is not None and type(cog).__module__.startswith("statsbot_webhooks")


def _import_first(names: tuple[str, ...]) -> ModuleType | None:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
        except Exception as error:  # noqa: BLE001 - importing the host's code may raise anything
            _refuse(f"{name} fails when it is imported: {type(error).__name__}")
    return None


def _keeper() -> ModuleType:
    return sys.modules.setdefault(_KEEPER, ModuleType(_KEEPER))


def _keep(undo: Callable[[], None]) -> None:
    _keeper().__dict__.setdefault("undo", []).append(undo)


def _refuse(reason: str) -> bool:
    said = cast("set[str]", _keeper().__dict__.setdefault("said", set()))
    if reason not in said:
        said.add(reason)
        _log.warning("not integrated: %s", reason)
    return False
