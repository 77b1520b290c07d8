"""Patches of the host: each watches what the host calls, and puts back what was there if it is still ours.

Nothing of ours shows in the host's tracebacks. What is patched, and why, is decided in `capture` and `integration`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final

_MISSING: Final[Any] = object()
# On what we put into the host, and asked for by name: a reload of the extension makes other classes of the same name (L2).
_RETIRED: Final = "is_statsbot_webhooks_retired"
# Itself: what a host made with `wraps` from one of ours has a copy of its marks.
_OURS: Final = "is_statsbot_webhooks_patch"

Watch = Callable[..., None]


class WatchedHandler:
    """A handler of the host that tells us of each call first. The call returns what the handler returns: no frame of ours
    is left in the traceback of a handler that fails.
    """

    def __init__(self, handler: Callable[..., Any], watch: Watch) -> None:
        self.handler = handler
        self._watch = watch

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._watch(*args, **kwargs)
        return self.handler(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        # What the handler's author or a decorator put on it; a copy that is being made has no handler yet.
        if name == "handler":
            raise AttributeError(name)
        return getattr(self.handler, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WatchedHandler) and other.handler == self.handler

    def __hash__(self) -> int:
        return hash(self.handler)


class HandlerPatch:
    """The place of a handler on one object, such as `bot.on_error`: a handler that is put there, before or after us, is watched.

    A data descriptor on the object's class. discord.py's `@bot.event` and `@tree.error` set attributes of the object, which
    would replace a wrapper; the attributes stay the host's own, and other objects of the class are not touched.
    """

    def __init__(self, instance: object, name: str, watch: Watch) -> None:
        self._owner = type(instance)
        self._name = name
        self._instance: object = instance
        self._watch: Watch | None = watch
        self.before: Any = _MISSING

    def install(self, stack: ExitStack) -> None:
        """Take the place; the stack gives it back."""
        _mark(self, vars(self._owner).get(self._name, _MISSING))
        setattr(self._owner, self._name, self)
        stack.callback(self._uninstall)

    def _uninstall(self) -> None:
        self._instance = self._watch = None
        _retire(self._owner, self._name, self)

    def __get__(self, instance: Any, kind: type | None = None) -> Any:
        own: dict[str, Any] = {} if instance is None else instance.__dict__
        handler: Any = own.get(self._name, _MISSING)
        if handler is _MISSING and self.before is not _MISSING:
            bind: Any = getattr(self.before.__class__, "__get__", None)
            handler = self.before if bind is None else bind(self.before, instance, kind)
        elif handler is _MISSING:
            handler = getattr(super(self._owner, kind if instance is None else instance), self._name)
        if instance is None or instance is not self._instance or self._watch is None:
            return handler
        return WatchedHandler(handler, self._call)

    def _call(self, *args: Any, **kwargs: Any) -> None:
        # A handler read while we were there may be called long after.
        if self._watch is not None:
            self._watch(*args, **kwargs)

    def __set__(self, instance: Any, value: Any) -> None:
        # Code that kept what was there and puts it back means the handler, not our watch over it.
        while isinstance(value, WatchedHandler):
            value = value.handler
        vars(instance)[self._name] = value

    def __delete__(self, instance: Any) -> None:
        try:
            del vars(instance)[self._name]
        except KeyError:
            raise AttributeError(self._name) from None


def patch_attribute(stack: ExitStack, owner: Any, name: str, make: Callable[[Any], Any], *, takes_over: bool = False) -> None:
    """Put `make(what is there)` in the place of an attribute of an object, class or module; the stack undoes it.

    What is put there must be a function, so that it can carry the mark of being ours. One that `takes_over` stands in the
    place of one of ours from before a reload, and not before it: nothing is left of that one.
    """
    own: Mapping[str, Any] = owner.__dict__
    before, original = own.get(name, _MISSING), getattr(owner, name)
    while takes_over and _is_ours(original):
        before, original = original.before, original.original
    patch = make(original)
    _mark(patch, before, original=original)
    setattr(owner, name, patch)
    stack.callback(_retire, owner, name, patch)


def hide_frame(error: BaseException) -> None:
    """Take the first entry out of a traceback: that of the function that caught the exception. A bare `raise` adds none."""
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next


def watch_calls(
    stack: ExitStack, owner: Any, name: str, watch: Watch | None, *, after: bool = False, takes_over: bool = False
) -> None:
    """Call `watch` with the arguments of each call of a method, or with its result and them `after` it; the stack undoes it."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if watch is not None and not after:
                watch(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hide_frame(error)
                raise
            if watch is not None and after:
                watch(result, *args, **kwargs)
            return result

        return watched

    def stop() -> None:
        nonlocal watch
        # What was there may be kept elsewhere: then it holds nothing of ours.
        watch = None

    patch_attribute(stack, owner, name, make, takes_over=takes_over)
    stack.callback(stop)


def add_listeners(stack: ExitStack, bot: Any, listeners: Mapping[str, Callable[..., Any]]) -> None:
    """Call coroutine functions for the events of their names (`on_message`); the stack undoes it.

    A `discord.Client` knows no listeners, only its own method of that name, so its `dispatch` is watched.
    """
    if not hasattr(bot, "add_listener"):
        by_event = {name.removeprefix("on_"): _as_task(listener, name) for name, listener in listeners.items()}
        watch_dispatch(stack, bot, by_event)
        return
    for name, listener in listeners.items():
        bot.add_listener(listener, name)
        stack.callback(bot.remove_listener, listener, name)


def watch_dispatch(stack: ExitStack, client: Any, by_event: Mapping[str, Callable[..., object]]) -> None:
    """Call functions for the events of their names (`message`), before the client's own handlers; the stack undoes it."""

    def on_dispatch(event: str, *args: Any, **_kwargs: Any) -> None:
        handler = by_event.get(event)
        if handler is not None:
            handler(*args)

    # discord.py calls either the client's method or the one that its connection was given when the client was made; the latter,
    # private and there from 2.0 to 2.7 at least, is told of all that the gateway says.
    for owner in (client, getattr(client, "_connection", None)):
        if hasattr(owner, "dispatch"):
            watch_calls(stack, owner, "dispatch", on_dispatch)


def _as_task(listener: Callable[..., Any], name: str) -> Callable[..., object]:
    running: set[asyncio.Task[Any]] = set()

    def start(*args: Any) -> None:
        task = asyncio.get_running_loop().create_task(listener(*args), name=f"statsbot_webhooks-{name}")
        running.add(task)
        task.add_done_callback(running.discard)

    return start


class HookChain:
    """A hook of the interpreter, such as `sys.excepthook`, and ours before it: the one that was there is called as ever.

    The host may set a hook of its own after us; `install` is called again and again, and then stands before that one too.
    """

    def __init__(self, module: Any, name: str, watch: Watch, *, calls_host_first: bool = False) -> None:
        self._module = module
        self._name = name
        self._watch: Watch | None = watch
        self._calls_host_first = calls_host_first
        self._links: list[Any] = []

    def install(self) -> None:
        """Stand before the current hook, unless that is ours."""
        before: Callable[..., None] = getattr(self._module, self._name)
        if self._links and self._links[-1] is before:
            _skip_retired(before)
            return

        def hook(*args: Any) -> None:
            if self._watch is not None and not self._calls_host_first:
                self._watch(*args)
            try:
                _skip_retired(hook)(*args)
            finally:
                if self._watch is not None and self._calls_host_first:
                    self._watch(*args)

        _mark(hook, before)
        self._links.append(hook)
        setattr(self._module, self._name, hook)

    def uninstall(self) -> None:
        """Take our hooks away as far as they are on top; one that is covered only calls what was before, and holds nothing."""
        self._watch = None
        while self._links:
            _retire(self._module, self._name, self._links.pop())


def _mark(patch: Any, before: Any, **further: Any) -> None:
    # A patch made with `wraps` has copied the marks of one that was here before us.
    patch.__dict__.update({**further, "before": before, _RETIRED: False, _OURS: patch})


def _is_ours(there: Any) -> bool:
    return there is not None and getattr(there, _OURS, None) is there


def _skip_retired(patch: Any) -> Any:
    """Return what a patch stands before; those between that are retired, of earlier loads of the extension, go."""
    while _is_ours(patch.before) and getattr(patch.before, _RETIRED):
        patch.before = patch.before.before
    return patch.before


def _retire(owner: Any, name: str, patch: Any) -> None:
    """Put back what was there before a patch, if the place is still its own; one that is covered stays, and is skipped."""
    patch.__dict__[_RETIRED] = True
    before = _skip_retired(patch)
    if owner.__dict__.get(name) is not patch:
        return
    # The mark of "nothing was there" of a module from before a reload is another object.
    if type(before) is object:
        delattr(owner, name)
    else:
        setattr(owner, name, before)


def put_back(owner: Any, name: str, ours: object, before: object) -> None:
    """Put back what was there, if what is there is still ours."""
    if getattr(owner, name, None) is ours:
        setattr(owner, name, before)
