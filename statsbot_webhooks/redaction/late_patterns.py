"""Late patterns: regular expressions compiled at their first use, because a mere import of the package needs none."""

from __future__ import annotations

import re
from typing import Any, AnyStr, Final, cast

_PARTS: Final = [name for name in dir(re.Pattern) if not name.startswith("_")]


class BuiltPattern:
    """A compiled pattern whose methods are its own attributes, so that a use costs no further call."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._given = (pattern, flags)

    def build(self) -> re.Pattern[Any]:
        """Compile the pattern and return it; attributes are then looked up directly."""
        # `re` caches some hundreds, so a second call rarely compiles again.
        built: re.Pattern[Any] = re.compile(*self._given)
        vars(self).update({name: getattr(built, name) for name in _PARTS})
        self.__class__ = BuiltPattern  # type: ignore[assignment]  # the layouts are the same
        return built


class LatePattern(BuiltPattern):
    """A pattern that becomes a `BuiltPattern` at the first access to an attribute."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.build(), name)


all_patterns: Final[list[BuiltPattern]] = []
"""Every late pattern, so that all can be built before the first text comes."""


def late(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that is compiled at its first use."""
    made = LatePattern(pattern, flags)
    all_patterns.append(made)
    return cast("re.Pattern[AnyStr]", made)
