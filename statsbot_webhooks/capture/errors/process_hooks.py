"""Process hooks: errors that no handler of the bot gets, of the event loop, of threads, and at the end of the interpreter."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final

from ...events.event import LogLevel
from ...patching import HookChain, patch_attribute, watch_calls
from .reporter import Reporter

_CHECK_SECONDS: Final = 0.5
# How long the end of the interpreter waits for the storage.
_SETTLE_SECONDS: Final = 2.0
# Ctrl-C, `sys.exit` and cancelled tasks are no failures.
_NO_FAILURES: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)


class ProcessHooks:
    """Chain the hooks of the interpreter and of the running loop; the host's hooks are called as before."""

    def __init__(self, reporter: Reporter, settle: Callable[[float], object]) -> None:
        self._reporter = reporter
        self._settle = settle
        self._is_installed = False
        self._timer: asyncio.TimerHandle | None = None
        self._chains: list[HookChain] = []

    def install(self, stack: ExitStack) -> None:
        """Install the hooks; the stack undoes them. Needs the running loop."""
        self._is_installed = True
        stack.callback(self._uninstall)
        loop = asyncio.get_running_loop()
        self._watch_loop(stack, loop)
        for name in ("execv", "execve"):
            # The new program reads the storage, and the hooks at the end of the interpreter are not called.
            watch_calls(stack, os, name, self._reporter.watch(self._on_exec))
        self._chains = [
            # The host's hook prints first, because the storage may take a while.
            HookChain(sys, "excepthook", self._on_end, calls_host_first=True),
            HookChain(threading, "excepthook", self._on_thread),
            HookChain(sys, "unraisablehook", self._on_unraisable),
        ]
        self._check(loop)

    def _on_exec(self, *_program: object) -> None:
        self._settle(_SETTLE_SECONDS)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        """Install our hooks again where the host has set its own; ours call those."""
        for chain in self._chains:
            chain.install()
        self._timer = loop.call_later(_CHECK_SECONDS, self._check, loop)

    def _uninstall(self) -> None:
        self._is_installed = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for chain in reversed(self._chains):
            chain.uninstall()
        self._chains = []

    def _watch_loop(self, stack: ExitStack, loop: asyncio.AbstractEventLoop) -> None:
        watch = self._reporter.watch(self._on_loop)
        if not isinstance(loop, asyncio.BaseEventLoop):
            self._watch_foreign_loop(stack, loop, watch)
            return

        def make(original: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
            def call_exception_handler(context: dict[str, Any]) -> None:
                if self._is_installed:
                    watch(context)
                original(context)

            return call_exception_handler

        # Every failure on the loop goes through this method, with any handler that the host has set, at any time.
        patch_attribute(stack, loop, "call_exception_handler", make)

    def _watch_foreign_loop(self, stack: ExitStack, loop: asyncio.AbstractEventLoop, watch: Callable[..., None]) -> None:
        # uvloop calls its method from C, so there only the handler can be chained, also one that the host sets later.
        host: list[Any] = [loop.get_exception_handler()]

        def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            if self._is_installed:
                watch(context)
            if host[0] is not None:
                host[0](loop, context)
            else:
                loop.default_exception_handler(context)

        def make_set(original: Callable[[Any], None]) -> Callable[[Any], None]:
            def set_exception_handler(new: Any) -> None:
                # First with the host's value, so that an invalid one is refused as usual.
                original(new)
                host[0] = new
                original(handler)

            return set_exception_handler

        def make_get(_original: Callable[[], Any]) -> Callable[[], Any]:
            return lambda: host[0]

        def restore() -> None:
            loop.set_exception_handler(host[0])

        loop.set_exception_handler(handler)
        stack.callback(restore)
        patch_attribute(stack, loop, "set_exception_handler", make_set)
        patch_attribute(stack, loop, "get_exception_handler", make_get)

    def _on_loop(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, BaseException) or isinstance(error, _NO_FAILURES):
            return
        task = context.get("task") or context.get("future")
        details: dict[str, object] = {"reported_as": context.get("message", "")}
        name = "asyncio"
        if isinstance(task, asyncio.Task):
            details["task"] = getattr(task.get_coro(), "__qualname__", "?")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            name = f"task {details['task']}"
        self._reporter.report(error, name, details=details)

    def _on_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or issubclass(args.exc_type, _NO_FAILURES):
            return
        name = args.thread.name if args.thread is not None else "?"
        self._reporter.report(args.exc_value, f"thread {name}", details={"thread": name}, trace=args.exc_traceback)

    def _on_unraisable(self, args: sys.UnraisableHookArgs) -> None:
        # Failures in `__del__`, in callbacks of weak references, and while a generator is closed.
        if args.exc_value is None or isinstance(args.exc_value, _NO_FAILURES):
            return
        # Python 3.14 gives no object, but puts it at the end of the text: <function Resource.__del__ at 0x7f3b430dafb0>.
        said, _, shown = (args.err_msg or "exception ignored in").partition(" <")
        name = getattr(args.object, "__qualname__", None) or type(args.object).__qualname__
        if args.object is None and shown:
            name = shown.partition(" at 0x")[0].rpartition(" ")[2]
        details = {"raised_in": name, "reported_as": said}
        self._reporter.report(args.exc_value, f"unraisable {name}", details=details, trace=args.exc_traceback)

    def _on_end(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, _NO_FAILURES):
            self._reporter.report(error, "end of the program", level=LogLevel.CRITICAL, trace=trace)
            # The loop has ended, so the event cannot be delivered: it must be in the storage before the process ends.
            self._settle(_SETTLE_SECONDS)
