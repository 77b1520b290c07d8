"""Ship what StatsBot's own modules log, without changing a line of them."""

from __future__ import annotations

import importlib
import logging
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any, Final

from discord.ext import commands

from .capture.logs import suppressed
from .capture.members import MemberHooks
from .event import Event, EventKind, LogLevel, to_plain
from .event_factory import error_event, performance_event
from .runtime import get_webhook_manager

_log = logging.getLogger(__name__)

# StatsBot's public repository, src/utils/tree_log.py: what each function reports.
_LEVELS: Final = {
    "log_critical_with_traceback": LogLevel.CRITICAL,
    "log_error_with_traceback": LogLevel.ERROR,
    "log_warning_with_context": LogLevel.WARNING,
}
_PREFIX: Final = "log_"
_TREE_MODULES: Final = ("src.utils.tree_log", "tree_log")
_MONITOR_MODULES: Final = ("src.utils.performance",)
_MARK: Final = "_statsbot_webhooks"

_undo = ExitStack()


def integrate_with_tree_log(module: ModuleType | None = None) -> bool:
    """Ship each call of a tree logger's `log_*` functions as one event; also for code that imported them by name.

    Returns True, or False after logging why not. `remove_integrations` undoes it.
    """
    target = module or _find(_TREE_MODULES)
    if target is None:
        return _refuse("tree log", f"none of the modules {', '.join(_TREE_MODULES)} can be imported; pass yours")
    functions = [
        (name, function)
        for name, function in vars(target).items()
        if name.startswith(_PREFIX) and isinstance(function, FunctionType) and function.__module__ == target.__name__
    ]
    if not functions:
        return _refuse("tree log", f"the module {target.__name__} has no function whose name begins with {_PREFIX}")
    for name, function in functions:
        if not hasattr(function, _MARK):
            _replace_everywhere(function, _wrap_tree(name, function))
    return True


def integrate_with_performance_monitor(monitor: Any = None) -> bool:
    """Ship what a performance monitor reports as too slow or too large.

    `monitor` is a module or an object with functions whose names end in `alert` or `warning`, called with metric, value
    and threshold. Returns True, or False after logging why not.
    """
    target = monitor or _find(_MONITOR_MODULES)
    if target is None:
        return _refuse("performance monitor", f"{_MONITOR_MODULES[0]} cannot be imported; pass yours")
    names = [
        name
        for name in dir(target)
        if name.strip("_").endswith(("alert", "warning", "alert_threshold")) and callable(getattr(target, name, None))
    ]
    if not names:
        return _refuse("performance monitor", f"{type(target).__name__} has no method that ends in alert or warning")
    for name in names:
        before = getattr(target, name)
        if hasattr(before, _MARK):
            continue
        wrapper = _wrap_monitor(before)
        if isinstance(target, ModuleType) and isinstance(before, FunctionType):
            _replace_everywhere(before, wrapper)
        else:
            setattr(target, name, wrapper)
            _undo.callback(_restore_attribute, target, name, wrapper)
    return True


def integrate_with_member_events(bot: commands.Bot) -> bool:
    """Ship joins, leaves, bans and unbans of a bot; does nothing more when the extension is loaded on it."""
    if bot.get_cog("Webhooks") is not None or hasattr(bot, _MARK):
        return True
    try:
        config = get_webhook_manager().config
    except Exception as error:  # noqa: BLE001 - a border: integration never breaks the host
        return _refuse("member events", str(error))
    MemberHooks(bot, _submit, now=time.time, guild_ids=config.guild_ids).install(_undo)
    setattr(bot, _MARK, True)
    _undo.callback(delattr, bot, _MARK)
    return True


def remove_integrations() -> None:
    """Undo every integration, in reverse."""
    _undo.close()


def _find(names: tuple[str, ...]) -> ModuleType | None:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _refuse(what: str, reason: str) -> bool:
    _log.warning("no integration with the %s: %s", what, reason)
    return False


def _submit(event: Event) -> object:
    return get_webhook_manager().submit(event)


def _ship(make: Callable[[], Event]) -> None:
    try:
        _submit(make())
    except Exception as error:  # noqa: BLE001 - a border: the host's call must not fail because of us
        _log.error("a call could not be shipped: %s", type(error).__name__)


def _wrap_tree(name: str, function: FunctionType) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        # The tree functions write each of their lines to the root logger too (S2).
        token = suppressed.set(True)
        try:
            result = function(*args, **kwargs)
        finally:
            suppressed.reset(token)
        if token.old_value is not True:
            _ship(lambda: _tree_event(name, args, kwargs))
        return result

    setattr(wrapper, _MARK, True)
    return wrapper


def _tree_event(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Event:
    values = [*args, *kwargs.values()]
    error = next((value for value in values if isinstance(value, BaseException)), None)
    title = next((value for value in values if isinstance(value, str)), name)
    items = next((value for value in values if isinstance(value, (list, tuple))), ())
    context = {str(item[0]): item[1] for item in items if isinstance(item, (list, tuple)) and len(item) == 2}
    context |= {key: value for key, value in kwargs.items() if value is not title and value is not items and value is not error}
    if error is not None:
        keep = get_webhook_manager().config.include_stack_traces
        return error_event(
            error, now=time.time(), include_stack_traces=keep, origin="tree_log", context={"message": title, **context}
        )
    level = _LEVELS.get(name, LogLevel.ERROR if "error" in name else LogLevel.INFO)
    return Event(EventKind.LOG, level, title, time.time(), "tree_log", to_plain(context), template=title)


def _wrap_monitor(before: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(before)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = before(*args, **kwargs)
        values = [*args, *kwargs.values()]
        numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
        metric = next((value for value in values if isinstance(value, str)), before.__name__)
        if len(numbers) >= 2:
            _ship(lambda: performance_event(metric, numbers[0], numbers[1], now=time.time()))
        return result

    setattr(wrapper, _MARK, True)
    return wrapper


def _replace_everywhere(function: FunctionType, wrapper: Callable[..., Any]) -> None:
    """Replace a function in every module that holds it: callers imported it by name (S1)."""
    places = [
        (module, name)
        for module in list(sys.modules.values())
        if isinstance(module, ModuleType)
        for name, value in list(vars(module).items())
        if value is function
    ]
    for module, name in places:
        setattr(module, name, wrapper)
        _undo.callback(_restore, module, name, wrapper, function)


def _restore(module: ModuleType, name: str, ours: object, before: object) -> None:
    if getattr(module, name, None) is ours:
        setattr(module, name, before)


def _restore_attribute(target: Any, name: str, ours: object) -> None:
    # Set on the object itself; below it the class still has the one from before.
    if vars(target).get(name) is ours:
        delattr(target, name)
