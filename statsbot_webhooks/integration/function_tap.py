"""Report the calls of a function of the host, which runs as before. Undone in full. Makes no events."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import CodeType, FunctionType
from typing import Any, Final

_log = logging.getLogger(__name__)
_PLACEHOLDER: Final = "the function tap goes here"

Report = Callable[[dict[str, Any]], object]


class FunctionTap:
    """Call the original, then report the call's arguments by name. The report may fail; the call is not touched by it.

    Log records of the original are kept from our handler: the report stands for them (S2).
    """

    is_statsbot_webhooks_tap = True

    def __init__(self, original: Callable[..., Any], report: Report, *, reports_nested: bool = False) -> None:
        self.original = original
        self.is_active = True
        self._report = report
        self._reports_nested = reports_nested

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        flag = _suppressed()
        if not self.is_active or flag is None or (flag.get() and not self._reports_nested):
            return self.original(*args, **kwargs)
        handlers = _our_handlers()
        token = flag.set(True)
        try:
            return self.original(*args, **kwargs)
        finally:
            flag.reset(token)
            self._put_back(handlers)
            self._tell(args, kwargs)

    async def call(self, *args: Any, **kwargs: Any) -> Any:
        """Await the original, then report, for a coroutine function."""
        flag = _suppressed()
        if not self.is_active or flag is None or (flag.get() and not self._reports_nested):
            return await self.original(*args, **kwargs)
        handlers = _our_handlers()
        token = flag.set(True)
        try:
            return await self.original(*args, **kwargs)
        finally:
            flag.reset(token)
            self._put_back(handlers)
            self._tell(args, kwargs)

    def _put_back(self, handlers: list[logging.Handler]) -> None:
        """Put back handlers that the host made by hand of our class: the tree logger clears the root's at each call (G4)."""
        root = logging.getLogger()
        for handler in handlers:
            if handler not in root.handlers:
                root.addHandler(handler)

    def _tell(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            bound = inspect.signature(self.original).bind(*args, **kwargs)
            bound.apply_defaults()
            self._report(bound.arguments)
        except Exception as error:  # noqa: BLE001 - a guard: the host's call must not fail because of us
            _log.debug("a call of %s was not shipped: %s", getattr(self.original, "__name__", "?"), type(error).__name__)


def is_tapped(function: object) -> bool:
    """Whether calls of this function are reported already, also by a tap from before a reload of the extension (L2)."""
    code = getattr(function, "__code__", None)
    constants = code.co_consts if isinstance(code, CodeType) else ()
    return any(hasattr(each, "is_statsbot_webhooks_tap") for each in (function, *constants)) or hasattr(
        function, "__statsbot_webhooks_tap__"
    )


def tap_function(function: FunctionType, report: Report) -> Callable[[], None]:
    """Report each call of a function, also from code that imported it under another name (S1); return what undoes it."""
    if function.__code__.co_freevars:
        return _replace_everywhere(function, report)
    original = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    tap = FunctionTap(original, report)
    # The function object stays and gets other code, so code that imported it by name is reached too. The tap sits in the
    # constants because the code runs with the host's globals, where no name of ours belongs.
    template = (_async_template if inspect.iscoroutinefunction(function) else _template).__code__
    constants: tuple[Any, ...] = tuple(tap if each == _PLACEHOLDER else each for each in template.co_consts)
    ours = template.replace(co_consts=constants, co_name=function.__name__)
    before = function.__code__
    signature = inspect.signature(original)
    function.__code__ = ours
    function.__dict__.setdefault("__signature__", signature)

    def undo() -> None:
        tap.is_active = False
        if function.__code__ is ours:
            function.__code__ = before
        if function.__dict__.get("__signature__") is signature:
            del function.__dict__["__signature__"]

    return undo


def tap_method(owner: object, name: str, report: Report) -> Callable[[], None]:
    """Report each call of a method of one object; return what undoes it."""
    tap = FunctionTap(getattr(owner, name), report, reports_nested=True)
    setattr(owner, name, tap)

    def undo() -> None:
        tap.is_active = False
        if vars(owner).get(name) is tap:
            delattr(owner, name)

    return undo


def _template(*args: Any, **kwargs: Any) -> Any:
    tap: Any = "the function tap goes here"  # equal to _PLACEHOLDER
    return tap(*args, **kwargs)


async def _async_template(*args: Any, **kwargs: Any) -> Any:
    tap: Any = "the function tap goes here"  # equal to _PLACEHOLDER
    return await tap.call(*args, **kwargs)


def _replace_everywhere(function: FunctionType, report: Report) -> Callable[[], None]:
    """Replace a closure, whose code cannot be exchanged for code without free variables, in every module that holds it."""
    tap = FunctionTap(function, report)

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        return tap(*args, **kwargs)

    @functools.wraps(function)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        return await tap.call(*args, **kwargs)

    wrapper: Any = coroutine if inspect.iscoroutinefunction(function) else plain
    wrapper.__dict__["__statsbot_webhooks_tap__"] = tap
    _exchange(function, wrapper)

    def undo() -> None:
        tap.is_active = False
        _exchange(wrapper, function)

    return undo


def _exchange(old: object, new: object) -> None:
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        for name, value in list(names.items()):
            if value is old:
                names[name] = new


def _suppressed() -> ContextVar[bool] | None:
    # Looked up at each call: a reload makes a new variable, and the handler of today reads that one (L2). None when the
    # extension has been unloaded.
    return getattr(sys.modules.get("statsbot_webhooks.feedback"), "suppressed", None)


def _our_handlers() -> list[logging.Handler]:
    return [each for each in logging.getLogger().handlers if type(each).__name__ == "WebhookLogHandler"]
