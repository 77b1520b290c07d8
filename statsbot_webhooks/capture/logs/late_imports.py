"""Late imports: call a function once the host imports a module, which may never happen. It imports nothing itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def when_imported(stack: ExitStack, name: str, then: Callable[[ModuleType], object]) -> None:
    """Call `then` with a module now, or right after its import; the stack ends the wait."""
    module = sys.modules.get(name)
    if module is not None:
        then(module)
        return
    finder = _Finder(name, then)
    sys.meta_path.insert(0, finder)
    stack.callback(finder.end)


class _Finder:
    """A finder that delegates to the others for one module, and notices when it is loaded."""

    def __init__(self, name: str, then: Callable[[ModuleType], object]) -> None:
        self._name = name
        self._then: Callable[[ModuleType], object] | None = then

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of another finder for the one module; Python calls this at every import."""
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
            # A loader of the host without attributes: the import is not noticed.
            return

    def end(self) -> None:
        """End the wait."""
        self._then = None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
