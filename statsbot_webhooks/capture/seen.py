"""Which exceptions were shipped: one exception reaches several hooks, and arrives once (H4)."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

_MAX_STRONG = 64


def root_exception(error: BaseException) -> BaseException:
    """Return the exception that discord.py's wrappers (CommandInvokeError and others) carry."""
    for _ in range(10):
        original = getattr(error, "original", None)
        if not isinstance(original, BaseException):
            break
        error = original
    return error


class Seen:
    """Remember exceptions by identity, weakly; those that cannot be weakly held, the last 64 of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._weak: dict[int, weakref.ref[BaseException]] = {}
        self._strong: OrderedDict[int, BaseException] = OrderedDict()

    def is_new(self, error: BaseException) -> bool:
        """Return whether this is the first time that the root of the exception is seen, and remember it."""
        root = root_exception(error)
        key = id(root)
        with self._lock:
            known = self._weak.get(key)
            if (known is not None and known() is root) or key in self._strong:
                return False
            try:
                # dict.pop is atomic, so the callback needs no lock: it may run inside any allocation.
                self._weak[key] = weakref.ref(root, lambda _, key=key, weak=self._weak: weak.pop(key, None))
            except TypeError:
                self._strong[key] = root
                if len(self._strong) > _MAX_STRONG:
                    self._strong.popitem(last=False)
            return True
