"""Modules that the host may import later, or never: a function is called as soon as one is there. Imports nothing itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def when_imported(stack: ExitStack, name: str, then: Callable[[ModuleType], object]) -> None:
    """Call `then` with a module now, or right after it was imported; the stack ends the waiting."""
    module = sys.modules.get(name)
    if module is not None:
        then(module)
        return
    finder = _Finder(name, then)
    sys.meta_path.insert(0, finder)
    stack.callback(finder.end)


class _Finder:
    """Let the other finders find one module, and note when it is loaded."""

    def __init__(self, name: str, then: Callable[[ModuleType], object]) -> None:
        self._name = name
        self._then: Callable[[ModuleType], object] | None = then

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return what another finder finds, for the one module; called by each import of anything."""
        if name != self._name or self._then is None:
            return None
        for finder in sys.meta_path:
            find: Any = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(name, path, target)
            if spec is not None:
                self._watch(spec.loader)
                return spec
        return None

    def _watch(self, loader: Any) -> None:
        original = getattr(loader, "exec_module", None)
        if original is None:
            return

        def exec_module(module: ModuleType) -> None:
            original(module)
            then, self._then = self._then, None
            self.end()
            if then is not None:
                then(module)

        try:
            loader.exec_module = exec_module
        except AttributeError:
            # A loader of the host that takes no attributes: then the module is not noted.
            return

    def end(self) -> None:
        """Wait no longer."""
        self._then = None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
