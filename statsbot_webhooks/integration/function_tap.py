"""Report the calls of a function of the host, which runs as before. Undone in full. Makes no events.

The function gets the code of its own source again, with a call of ours in it (`function_code.py`), so that code which imported
it under any name calls it (S1).
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

from .. import feedback
from ..capture.function_code import rewritten, with_tap

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class FunctionCall:
    """A call of a function: its arguments by name, and those of the tapped functions that it called."""

    arguments: dict[str, Any]
    nested: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


Report = Callable[[FunctionCall], object]
_outer: ContextVar[FunctionCall | None] = ContextVar("statsbot_webhooks_function_call", default=None)


class FunctionTap:
    """What is told of the calls of one function. A report may fail; the call is not touched by it.

    Log records of the function are kept from our handler: the report stands for them (S2).
    """

    is_statsbot_webhooks_tap = True

    def __init__(self, function: FunctionType, *, reports_nested: bool = False) -> None:
        self._name = function.__name__
        self._reports_nested = reports_nested
        # What a decorator made takes any arguments, and knows the function whose they are.
        self._signature = inspect.signature(function) if hasattr(function, "__wrapped__") else None
        self.reports: list[tuple[object, Report]] = []

    def begin(self, arguments: dict[str, Any]) -> _RunningCall:
        """Note that the function is called; called by the function itself."""
        try:
            flag = _suppressed()
            reports = [report for owner, report in self.reports if owner is None or arguments.get("self") is owner]
            if not reports:
                return _RunningCall()
            call = FunctionCall(self._named(arguments))
            if flag.get() and not self._reports_nested:
                if (outer := _outer.get()) is not None:
                    outer.nested.append(call.arguments)
                return _RunningCall()
            return _RunningCall(self, call, reports, flag, flag.set(True), _outer.set(call), _our_handlers())
        except Exception as error:  # noqa: BLE001 - a guard: the host's call must not fail because of us
            self._fail(error)
            return _RunningCall()

    def _named(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._signature is None or len(arguments) != 2:
            return arguments
        args, kwargs = arguments.values()
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    def tell(self, call: FunctionCall, reports: list[Report]) -> None:
        """Report a call that is over."""
        for report in reports:
            try:
                report(call)
            except Exception as error:  # noqa: BLE001 - as above
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        _log.debug("a call of %s was not shipped: %s", self._name, type(error).__name__)


class _RunningCall:
    """A call that is not over; without arguments, one of which nothing is told."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def end(self) -> None:
        """Report the call; called by the function itself, also when it fails."""
        if not self._parts:
            return
        tap, call, reports, flag, token, outer, handlers = self._parts
        self._parts = ()
        _reset(flag, token)
        _reset(_outer, outer)
        # Handlers that the host made by hand of our class: the tree logger clears the root's at each call (G4).
        root = logging.getLogger()
        for handler in handlers:
            if handler not in root.handlers:
                root.addHandler(handler)
        tap.tell(call, reports)


def _reset(variable: ContextVar[Any], token: Token[Any]) -> None:
    try:
        variable.reset(token)
    except ValueError:
        # The call ends in another context than it began in, so nothing of that one is left.
        return


def tap_of(function: object) -> FunctionTap | None:
    """Return what reports the calls of a function already, also from before a reload of the extension (L2)."""
    code = getattr(function, "__code__", None)
    constants = code.co_consts if isinstance(code, CodeType) else ()
    return next((each for each in constants if hasattr(each, "is_statsbot_webhooks_tap")), None)


def tap_function(
    function: FunctionType, report: Report, *, owner: object = None, reports_nested: bool = False
) -> Callable[[], None]:
    """Report each call of a function, or of a method of `owner`; return what undoes it."""
    tap, before = tap_of(function), function.__code__
    if tap is None:
        tap = FunctionTap(function, reports_nested=reports_nested)
        ours = rewritten(before, tap) or _wrapped(function, tap)
        function.__code__ = ours
    else:
        ours = None
    entry = (owner, report)
    tap.reports.append(entry)

    def undo() -> None:
        if entry in tap.reports:
            tap.reports.remove(entry)
        if not tap.reports and ours is not None and function.__code__ is ours:
            function.__code__ = before

    return undo


def _wrapped(function: FunctionType, tap: FunctionTap) -> CodeType:
    """Return code that calls the function as it was, for one whose source is not there."""
    code = function.__code__
    original = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    original.__kwdefaults__ = function.__kwdefaults__
    tap.original = original  # type: ignore[attr-defined]
    tap._signature = inspect.signature(function)  # noqa: SLF001 - of this module
    template = (_async_template if inspect.iscoroutinefunction(function) else _template).__code__
    # A function takes only code with as many free variables as it has.
    return with_tap(template, tap).replace(co_name=function.__name__, co_freevars=code.co_freevars)


def _template(*args: Any, **kwargs: Any) -> Any:
    tap: Any = "the function tap goes here"  # equal to PLACEHOLDER
    call = tap.begin({"args": args, "kwargs": kwargs})
    try:
        return tap.original(*args, **kwargs)
    except BaseException as error:
        # The first entry of the traceback is this function's. A bare `raise` adds none.
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        raise
    finally:
        call.end()


async def _async_template(*args: Any, **kwargs: Any) -> Any:
    tap: Any = "the function tap goes here"  # equal to PLACEHOLDER
    call = tap.begin({"args": args, "kwargs": kwargs})
    try:
        return await tap.original(*args, **kwargs)
    except BaseException as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        raise
    finally:
        call.end()


def _suppressed() -> ContextVar[bool]:
    # Looked up at each call: a reload makes a new variable, and the handler of today reads that one (L2). After the bot was
    # closed the modules are gone, and calls are still reported.
    return getattr(sys.modules.get("statsbot_webhooks.feedback"), "suppressed", feedback.suppressed)


def _our_handlers() -> list[logging.Handler]:
    return [each for each in logging.getLogger().handlers if type(each).__name__ == "WebhookLogHandler"]
