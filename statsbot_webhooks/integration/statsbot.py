"""StatsBot's own modules: what goes through its tree log, performance monitor and member events is shipped too.

Each function returns True, or False after logging the reason once. While the extension is unloaded all of them are undone;
when it is loaded again they are made again. `remove_integrations` undoes them for good.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import FunctionType, ModuleType
from typing import Any, Final, cast

from discord.ext import commands

from ..capture.errors.deduplication import SeenExceptions, is_new_everywhere
from ..capture.members.hooks import MemberHooks
from ..clock import SystemClock
from ..config.model import WebhookConfig
from ..errors import WebhookLoggingError
from ..events.event import Event
from ..runtime import get_webhook_manager
from .function_tap import is_tapped, tap_function, tap_method
from .performance_monitor import MemoryWatch, slow_operation_event
from .tree_log import tree_event

_log = logging.getLogger(__name__)
_clock = SystemClock()
_TREE_MODULES: Final = ("src.utils.tree_log", "tree_log")
_MONITOR_MODULES: Final = ("src.utils.performance",)
# Kept outside the package: discord.py purges the package's modules when the extension is reloaded (L1, L2).
_KEEPER: Final = "_statsbot_webhooks_integrations"


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
    _want("integrate_with_tree_log", module)
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
    memory = MemoryWatch()
    reports: dict[str, Callable[[dict[str, Any]], None]] = {
        "_check_memory_thresholds": lambda call: _submit_if(
            memory.measure(float(call["memory_usage"]), watched.thresholds, now=_clock.now())
        ),
        "_record_metric": lambda call: _report_duration(watched, call),
    }
    found = [name for name in reports if callable(getattr(watched, name, None))]
    if not found or not hasattr(watched, "thresholds"):
        return _refuse(f"performance monitor: {type(watched).__name__} has no thresholds that it checks")
    for name in found:
        if not is_tapped(getattr(watched, name)):
            _keep(tap_method(watched, name, reports[name]))
    _keep(lambda: _submit_if(memory.stop(now=_clock.now())))
    _want("integrate_with_performance_monitor", watched)
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
    MemberHooks(bot, submit, now=_clock.now, settings=settings).install(stack)
    bots.append(bot)
    stack.callback(bots.remove, bot)
    _keep(stack.close)
    _want("integrate_with_member_events", bot)
    return True


def remove_integrations() -> None:
    """Undo every integration for good, the last one first. Nothing is touched where the value is no longer ours."""
    _keeper().__dict__["wanted"] = []
    suspend_integrations()


def suspend_integrations() -> None:
    """Undo every integration, the last one first, until `resume_integrations`."""
    undo: list[Callable[[], None]] = _keeper().__dict__.setdefault("undo", [])
    while undo:
        undo.pop()()


def resume_integrations() -> None:
    """Make the integrations again that were suspended."""
    for name, subject in list(_wanted()):
        globals()[name](subject)


def _tree_functions(module: ModuleType) -> list[FunctionType]:
    """Return the module's own `log_*` functions, and those of its classes (`TreeLogger.log_section`)."""
    owners: list[Any] = [module, *(each for each in vars(module).values() if inspect.isclass(each))]
    values: list[object] = [value for owner in owners for value in cast("dict[str, object]", vars(owner)).values()]
    functions = [value for value in values if isinstance(value, FunctionType)]
    return [function for function in functions if function.__name__.startswith("log_") and function.__module__ == module.__name__]


def _tree_report(name: str) -> Callable[[dict[str, Any]], None]:
    def report(call: dict[str, Any]) -> None:
        error = call.get("error")
        # What was shipped already, by a hook or by an earlier call, is not shipped again.
        if isinstance(error, BaseException) and not is_new_everywhere(error, _seen()):
            return
        _submit(tree_event(name, call, now=_clock.now(), keeps_traces=_keeps_traces()))

    return report


def _submit_if(event: Event | None) -> None:
    if event is not None:
        _submit(event)


def _report_duration(monitor: Any, call: dict[str, Any]) -> None:
    threshold = monitor.thresholds.get("slow_operation")
    if threshold is not None:
        _submit_if(slow_operation_event(call, threshold, now=_clock.now()))


def _keeps_traces() -> bool:
    try:
        return get_webhook_manager().config.include_stack_traces
    except WebhookLoggingError:
        return True


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


def _seen() -> SeenExceptions:
    return _keeper().__dict__.setdefault("seen", SeenExceptions())


def _wanted() -> list[tuple[str, Any]]:
    return _keeper().__dict__.setdefault("wanted", [])


def _want(name: str, subject: object) -> None:
    # By name: after a reload it is the function of the module of then that is called.
    if not any(wanted == name and known is subject for wanted, known in _wanted()):
        _wanted().append((name, subject))


def _keep(undo: Callable[[], None]) -> None:
    _keeper().__dict__.setdefault("undo", []).append(undo)


def _refuse(reason: str) -> bool:
    said = cast("set[str]", _keeper().__dict__.setdefault("said", set()))
    if reason not in said:
        said.add(reason)
        _log.warning("not integrated: %s", reason)
    return False
