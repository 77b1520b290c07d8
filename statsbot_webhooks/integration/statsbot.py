"""StatsBot's own modules: what goes through its tree log, performance monitor and member events is shipped too.

Each function returns True, or False after logging the reason once. While the extension is unloaded all of them are undone;
when it is loaded again they are made again. `remove_integrations` undoes them for good.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import FunctionType, ModuleType
from typing import Any, Final, cast

import discord
from discord.ext import commands

from ..capture.errors.deduplication import SeenExceptions, is_new_everywhere
from ..capture.members.hooks import MemberHooks, installed_hooks
from ..clock import SystemClock
from ..config.model import WebhookConfig
from ..errors import WebhookLoggingError
from ..events.event import Event
from ..runtime import get_webhook_manager, is_held
from .function_tap import FunctionCall, Report, tap_function, tap_of
from .performance_monitor import MonitorWatch, find_monitors, has_thresholds
from .tree_log import told_member, tree_event, tree_level

_log = logging.getLogger(__name__)
_clock = SystemClock()
_TREE_MODULES: Final = ("src.utils.tree_log", "tree_log")
_MONITOR_MODULES: Final = ("src.utils.performance",)
# Kept outside the package: discord.py purges the package's modules when the extension is reloaded (L1, L2).
_KEEPER: Final = "_statsbot_webhooks_integrations"
# What the host logs before there is a manager; more of it is no first words.
_MOST_KEPT: Final = 1000


def integrate_with_tree_log(module: ModuleType | None = None) -> bool:
    """Ship each call of the tree log's `log_*` functions once, also from modules that imported them by name."""
    module = module or _import_first(_TREE_MODULES)
    if module is None:
        return _refuse(f"tree log: none of {', '.join(_TREE_MODULES)} can be imported; pass the module")
    found = _tree_functions(module)
    if not found:
        return _refuse(f"tree log: {module.__name__} has no functions whose name begins with log_")
    for function in found:
        tap = tap_of(function)
        if tap is None or not tap.reports:
            _keep(tap_function(function, _tree_report(function.__name__)))
    _want("integrate_with_tree_log", module)
    return True


def integrate_with_performance_monitor(monitor: object | None = None) -> bool:
    """Ship the alerts of StatsBot's monitors: memory above its thresholds, and slow operations.

    Without a monitor it finds those of `src.utils.performance`: the `PerformanceMonitor` of `performance.py`, also where a
    package of that name hides the file, and every `MemoryMonitor`.
    """
    subject = monitor if monitor is not None else _import_first(_MONITOR_MODULES)
    if subject is None:
        return _refuse(f"performance monitor: {_MONITOR_MODULES[0]} cannot be imported; pass the monitor")
    found = find_monitors(subject) if isinstance(subject, ModuleType) else [subject]
    watched = [each for each in found if _watch_monitor(each)]
    if not watched:
        name = subject.__name__ if isinstance(subject, ModuleType) else type(subject).__name__
        return _refuse(f"performance monitor: {name} has no thresholds that it checks")
    _want("integrate_with_performance_monitor", subject)
    return True


def _watch_monitor(monitor: Any) -> bool:
    """Report what a monitor finds, or every monitor of a class; False when it checks no thresholds."""
    watch = MonitorWatch()
    is_class = inspect.isclass(monitor)
    kind: Any = monitor if is_class else monitor.__class__
    owner = None if is_class else monitor
    reports: dict[str, Report] = {
        "_check_memory_thresholds": lambda call: _submit_if(watch.measure(call.arguments, now=_clock.now())),
        "_record_metric": lambda call: _submit_if(watch.time_call(call.arguments, now=_clock.now())),
    }
    functions = {name: getattr(kind, name, None) for name in reports}
    found = {name: function for name, function in functions.items() if isinstance(function, FunctionType)}
    if not found or not has_thresholds(monitor):
        return False
    for name, function in found.items():
        tap = tap_of(function)
        if tap is None or not any(watched is owner for watched, _ in tap.reports):
            _keep(tap_function(function, reports[name], owner=owner, reports_nested=True))

    def stop() -> None:
        for event in watch.stop(now=_clock.now()):
            submit_or_keep(event)

    _keep(stop)
    return True


def integrate_with_member_events(bot: discord.Client) -> bool:
    """Ship joins, leaves, kicks, bans and unbans, unless the extension on this bot does so already."""
    if not isinstance(bot, discord.Client):  # pyright: ignore[reportUnnecessaryIsInstance]
        return _refuse(f"member events: {type(bot).__name__} is not a discord.Client")
    bots: list[object] = _keeper().__dict__.setdefault("bots", [])
    if _is_captured(bot) or any(each is bot for each in bots):
        return True
    if not bot.intents.members:
        _log.warning(
            "the bot runs without the members intent: joins and leaves are not seen. On "
            "https://discord.com/developers/applications open the bot, page Bot, and switch on Server Members Intent; then set "
            "intents.members = True in its code"
        )

    def submit(event: Event) -> None:
        # The extension may be loaded after us, and then ships the same.
        if not _is_captured(bot):
            submit_or_keep(event)

    try:
        settings = get_webhook_manager().config
    except WebhookLoggingError:
        settings = WebhookConfig()
    stack = ExitStack()
    MemberHooks(bot, submit, clock=_clock, settings=settings).install(stack)
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
    """Make the integrations again, and ship what they have kept; after a reload they are those of the new modules (L2)."""
    suspend_integrations()
    _ship_kept()
    for name, subject in list(_wanted()):
        globals()[name](subject)


def _tree_functions(module: ModuleType) -> list[FunctionType]:
    """Return the module's own `log_*` functions, and those of its classes (`TreeLogger.log_section`)."""
    owners: list[Any] = [module, *(each for each in vars(module).values() if inspect.isclass(each))]
    values: list[object] = [value for owner in owners for value in cast("dict[str, object]", vars(owner)).values()]
    functions = [value for value in values if isinstance(value, FunctionType)]
    return [function for function in functions if function.__name__.startswith("log_") and function.__module__ == module.__name__]


def _tree_report(name: str) -> Report:
    def report(call: FunctionCall) -> None:
        arguments = call.arguments
        error = arguments.get("error")
        # A member who comes or goes has a card already.
        if told_member(name, arguments) is not None and any(hooks.sees_members for hooks in installed_hooks):
            return
        level = tree_level(name, arguments)
        # What was shipped already, by a hook or by an earlier call, is not shipped again.
        if isinstance(error, BaseException) and not is_new_everywhere(error, _seen(), level.number):
            return
        logger = next((nested["self"] for nested in call.nested if "self" in nested), None)
        submit_or_keep(tree_event(name, arguments, now=_clock.now(), logger=logger, keeps_traces=keeps_traces()))

    return report


def _submit_if(event: Event | None) -> None:
    if event is not None:
        submit_or_keep(event)


def keeps_traces() -> bool:
    """Return whether the settings want stack traces."""
    try:
        return get_webhook_manager().config.include_stack_traces
    except WebhookLoggingError:
        return True


def submit_or_keep(event: Event) -> None:
    """Ship an event. Before the first manager it is kept: the bot's first words come before the bot."""
    kept = _kept()
    kept.append(event)
    _ship_kept()


def _ship_kept() -> None:
    try:
        manager = get_webhook_manager()
    except WebhookLoggingError:
        return
    kept = _kept()
    while kept:
        manager.submit(kept.popleft())


def _kept() -> deque[Event]:
    return _keeper().__dict__.setdefault("kept", deque(maxlen=_MOST_KEPT))


def _is_captured(bot: discord.Client) -> bool:
    if is_held(bot):
        return True
    cog = bot.get_cog("Webhooks") if isinstance(bot, (commands.Bot, commands.AutoShardedBot)) else None
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
    # By name: after a reload the function of the new module is called.
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
