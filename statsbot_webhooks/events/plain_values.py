"""Values of other people's code as plain ones: exact `str`, `int`, finite `float`, `bool`, `None`, and lists and dicts of those.

A value may be an instance of any class, and reading it may run that class's code: a property or `__class__` that raises
(an unbound proxy), a mapping whose `items` fails, a subclass of `str` whose `__str__` fails. What cannot be read becomes a
note in its place. No function here raises. Pure, but for the time that stands in for one that cannot be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final, cast

from ..clock import SystemClock

MAX_DEPTH: Final = 6
MAX_ITEMS: Final = 200
# Of all values in one context together: a list that holds itself 200 times, six levels deep, would have no end.
MAX_VALUES: Final = 5000
# Python refuses to print integers of more than 4,300 digits, and no float is larger than 2**1024.
_MAX_BITS: Final = 1000
ID_LIMIT: Final = 2**64
# datetime ends with the year 9999; a day less leaves room for time zones.
LATEST_TIME: Final = 253_402_214_400.0
_UNITS: Final = (1, 1e3, 1e6, 1e9)
_PLAIN: Final = (str, bool, type(None))


def to_plain(value: object) -> Any:
    """Return a JSON-able copy of a value, in which every mapping has keys of text.

    Objects become their `str`. Nesting deeper than `MAX_DEPTH`, items past `MAX_ITEMS` and values past `MAX_VALUES` are
    replaced by a note.
    """
    return _Copy().value(value, 0)


def is_plain(value: object) -> bool:
    """Whether a value is what `to_plain` returns, so that it needs no copy."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        kind = type(item)
        if kind in _PLAIN:
            continue
        if kind is int:
            if cast("int", item).bit_length() > _MAX_BITS:
                return False
        elif kind is float:
            if not math.isfinite(cast("float", item)):
                return False
        elif kind is dict or kind is list:
            inner: Any = item
            seen += len(inner)
            # More than one copy has: each note is a value too, and values that were copied one by one are put together.
            if depth > MAX_DEPTH + 1 or seen > 3 * MAX_VALUES or len(inner) > MAX_ITEMS + 1:
                return False
            if kind is dict:
                if not all(type(key) is str for key in inner):
                    return False
                inner = inner.values()
            waiting += [(each, depth + 1) for each in inner]
        else:
            return False
    return True


def is_plain_mapping(value: object) -> bool:
    """Whether a value is a dict that `to_plain` may have returned."""
    kind: object = type(value)
    return kind is dict and is_plain(value)


def plain_text(value: object) -> str:
    """Return the text of a value as an exact `str`; bytes are decoded."""
    if type(value) is str:
        return value
    try:
        text = str(value, "utf-8", "replace") if type(value) in (bytes, bytearray) else str(value)  # pyright: ignore[reportArgumentType]
        return text if type(text) is str else str.__str__(text)
    except Exception as error:  # noqa: BLE001 - a guard: the caller's __str__ may raise anything; the event must survive it
        return _note(value, error)


def plain_integer(value: object) -> int | None:
    """Return a value as an integer that has 64 bits at most, as ids have; None when it is none."""
    try:
        number = int(value)  # type: ignore[call-overload]
    except Exception:  # noqa: BLE001 - a guard: the caller's __int__ may raise anything
        return None
    return number if type(number) is int and -ID_LIMIT < number < ID_LIMIT else None


def plain_time(value: object) -> float:
    """Return seconds since the epoch: of a number, a datetime, or a text of either; the time of now for anything else.

    A number that would be a year past 9999 counts as milliseconds, microseconds or nanoseconds.
    """
    try:
        seconds = _seconds(value)
    except Exception:  # noqa: BLE001 - a guard: the caller's __float__ may raise anything
        seconds = math.nan
    for unit in _UNITS:
        if 0.0 <= seconds / unit < LATEST_TIME:
            return float(seconds / unit)
    return SystemClock().now()


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return datetime.fromisoformat(value).timestamp()
    return float(value)


def _note(value: object, error: Exception) -> str:
    return f"({_type_name(value)} that cannot be read: {type(error).__name__})"


def _type_name(value: object) -> str:
    try:
        return str.__str__(type(value).__name__)
    except Exception:  # noqa: BLE001 - a guard: a metaclass may answer for __name__
        return "object"


class _Copy:
    """One copy of a value, with what is left of the number of values that it may have."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def value(self, value: object, depth: int) -> Any:
        kind: object = type(value)
        if kind in _PLAIN:
            return value
        try:
            if isinstance(value, int):
                return _whole(int(value))
            if isinstance(value, float):
                number = float(value)
                return number if math.isfinite(number) else str(number)
            if isinstance(value, Mapping):
                return self._mapping(cast("Mapping[object, object]", value), depth) if depth < MAX_DEPTH else "(nested too deep)"
            if isinstance(value, (list, tuple, set, frozenset)):
                return self._items(cast("Iterable[object]", value), depth) if depth < MAX_DEPTH else "(nested too deep)"
            text = str(value)
            return text if type(text) is str else str.__str__(text)
        except Exception as error:  # noqa: BLE001 - a guard: one value that cannot be read costs itself only
            return _note(value, error)  # pyright: ignore[reportUnknownArgumentType]

    def _mapping(self, value: Mapping[object, object], depth: int) -> dict[str, Any]:
        # Of an exact dict the list is made in one step, so that another thread may change it meanwhile.
        items: Iterable[tuple[object, object]] = value.items()
        kind: object = type(value)
        pairs = list(items) if kind is dict else list(islice(items, MAX_ITEMS + 1))
        plain: dict[str, Any] = {}
        for key, item in pairs[: self._take(len(pairs))]:
            name = plain_text(key)
            while name in plain:
                name += "_"
            plain[name] = self.value(item, depth + 1)
        if len(pairs) > len(plain):
            plain["..."] = _more(value, len(plain))
        return plain

    def _items(self, value: Iterable[object], depth: int) -> list[Any]:
        kind: object = type(value)
        items = list(value) if kind in (list, tuple, set, frozenset) else list(islice(value, MAX_ITEMS + 1))
        plain = [self.value(item, depth + 1) for item in items[: self._take(len(items))]]
        if len(items) > len(plain):
            plain.append(_more(value, len(plain)))
        return plain

    def _take(self, count: int) -> int:
        count = min(count, MAX_ITEMS, self._left)
        self._left -= count
        return count


def _whole(number: int) -> int | str:
    if number.bit_length() <= _MAX_BITS:
        return number
    # Three tenths of the bits: printing it may be refused, and takes quadratic time.
    return f"(integer of about {number.bit_length() * 3 // 10} digits)"


def _more(value: Any, shown: int) -> str:
    return f"({len(value) - shown} more)"
