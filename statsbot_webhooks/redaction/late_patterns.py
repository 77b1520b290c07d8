"""Patterns that are compiled when they are used first: a bot that is only imported needs none of them."""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_PARTS: Final = [name for name in dir(re.Pattern) if not name.startswith("_")]


class BuiltPattern:
    """A pattern by its parts: one that asks for each of them would cost every use."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._given = (pattern, flags)

    def build(self) -> re.Pattern[Any]:
        """Return the pattern itself, compiled at the first call."""
        # `re` keeps some hundreds, so a second call mostly finds it.
        built: re.Pattern[Any] = re.compile(*self._given)
        vars(self).update({name: getattr(built, name) for name in _PARTS})
        self.__class__ = BuiltPattern  # type: ignore[assignment]  # the layouts are the same
        return built


class LatePattern(BuiltPattern):
    """One that becomes a built pattern when it is asked for anything."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.build(), name)


all_patterns: Final[list[BuiltPattern]] = []
"""All that are made, so that they can be built before the first text comes."""


def late(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that is compiled when it is used first."""
    made = LatePattern(pattern, flags)
    all_patterns.append(made)
    return cast("re.Pattern[AnyStr]", made)
