"""Component hooks: errors of views, modals and `tasks.loop`, which discord.py reports only to their handlers or a logger (H4)."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import discord
from discord import ui
from discord.ext import tasks

from ...patching import WatchedHandler, watch_calls
from . import context as error_context
from .context import ErrorContext
from .reporter import Reporter

# Private to discord.py (from 2.4 to 2.7 at least); without it the failure is still seen in the log.
_DISPATCH = "_scheduled_task"


class ComponentHooks:
    """Watch the `on_error` of the views and modals that are used, and the errors of loops."""

    def __init__(self, bot: discord.Client, reporter: Reporter) -> None:
        self._bot = bot
        self._reporter = reporter
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them."""
        stack.callback(self._release)
        for owner in (getattr(ui.view, "BaseView", ui.View), ui.Modal):
            if _DISPATCH in vars(owner):
                watch_calls(stack, owner, _DISPATCH, self._reporter.watch(self._on_dispatch))
        if "_call_loop_function" in vars(tasks.Loop):
            watch_calls(stack, tasks.Loop, "_call_loop_function", self._reporter.watch(self._on_loop_function))

    def _on_dispatch(self, view: Any, *args: Any) -> None:
        """Watch the `on_error` of a view from its first use on, on the instance, as its class belongs to the host."""
        if view in self._watched or not any(_client_of(arg) is self._bot for arg in args):
            return
        attributes: dict[str, Any] = view.__dict__
        attributes["on_error"] = _OnError(view, attributes.get("on_error"), self._reporter.watch(self._on_view_error))
        self._watched.add(view)

    def _release(self) -> None:
        for view in list(self._watched):
            attributes: dict[str, Any] = view.__dict__
            ours = attributes.get("on_error")
            if not isinstance(ours, _OnError):
                continue
            if ours.own is None:
                del attributes["on_error"]
            else:
                attributes["on_error"] = ours.own
        self._watched.clear()

    def _on_view_error(self, view: Any, interaction: discord.Interaction, error: Exception, *item: Any) -> None:
        place = error_context.read(error_context.of_interaction, interaction)
        what = f"modal {type(view).__name__}" if isinstance(view, ui.Modal) else f"view {type(view).__name__}"
        details: dict[str, object] = {"component": _component(view, *item)}
        if values := _values(view):
            details["options"] = values
        self._reporter.report(error, what, ErrorContext("", place.guild_id, place.persons, {**details, **place.details}))

    def _on_loop_function(self, loop: tasks.Loop[Any], name: str, *args: Any) -> None:
        if name == "error" and args and isinstance(args[-1], BaseException):
            task = loop.coro.__qualname__
            self._reporter.report(args[-1], f"task {task}", details={"task": task})


class _OnError(WatchedHandler):
    """Takes the place of the `on_error` of one view or modal."""

    def __init__(self, view: Any, own: Callable[..., Any] | None, watch: Callable[..., None]) -> None:
        reference = weakref.ref(view)
        # Without a handler on the instance, the one of the class is looked up at the call, as usual.
        super().__init__(own or functools.partial(_on_error_of_class, reference), watch)
        self.own = own
        self._reference = reference

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        view = view_of(self._reference)
        self._watch(view, *args)
        return self.handler(*args, **kwargs)


def _on_error_of_class(reference: weakref.ref[Any], *args: Any) -> Any:
    view = view_of(reference)
    return view.__class__.on_error(view, *args)


def _client_of(arg: Any) -> object:
    interaction: Any = arg
    return interaction.client if isinstance(arg, discord.Interaction) else None


def view_of(reference: weakref.ref[Any]) -> Any:
    """Return the view, which is alive while its handler is called."""
    return reference()


def _component(view: Any, item: Any = None) -> str:
    if item is None:
        return f"modal {getattr(view, 'title', '')!r}"
    label = getattr(item, "label", None) or getattr(item, "placeholder", None) or getattr(item, "custom_id", None) or "?"
    return f"{type(item).__name__.lower()} {label!r}"


def _own_label(inner: Any) -> Any:
    return inner.to_component_dict().get("label") if isinstance(inner, ui.TextInput) else None


def _values(view: Any) -> dict[str, object]:
    """Return the values of a modal by the labels that the user saw."""
    if not isinstance(view, ui.Modal):
        return {}
    found: dict[str, object] = {}
    children: list[Any] = list(view.children)
    for number, child in enumerate(children):
        # From discord.py 2.6 on a Label holds the text above a component, and reading a TextInput's own label prints a
        # deprecation warning.
        inner: Any = getattr(child, "component", child)
        own = _own_label(inner)
        name = getattr(child, "text", None) or own or f"field {number + 1}"
        value = getattr(inner, "value", None)
        found[str(name)] = str(value)[:300] if value is not None else [str(each)[:100] for each in getattr(inner, "values", ())]
    return found
