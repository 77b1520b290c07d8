"""The first parameters of the public calls, which users give by position or by name. Pure.

`send_log(LogLevel.INFO, "text", level="x")` and `send_log(level=LogLevel.INFO, message="text")` are both written by users. Given
by position, the names are free for the context.
"""

from __future__ import annotations

from typing import Any, Final


class _Missing:
    def __repr__(self) -> str:
        return "..."


MISSING: Final[Any] = _Missing()
"""The default of a parameter that was not given by position."""


def take_arguments(call: str, context: dict[str, object], **given: object) -> tuple[Any, ...]:
    """Return the values of the first parameters: those given, or those that stand by their names in the context.

    Takes the latter out of the context. Raises `TypeError` for one that is neither.
    """
    values: list[object] = []
    for name, value in given.items():
        if value is MISSING:
            if name not in context:
                raise TypeError(f"{call}() needs {name!r}, by position or by name; it takes {', '.join(given)}")
            value = context.pop(name)
        values.append(value)
    return tuple(values)
