"""Which version of the bot is later than which: by their numbers, or else by which was seen first. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_NUMBERS: Final = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})\Z")


def is_later(version: str, than: str, seen: Sequence[str]) -> bool:
    """Return whether a version is later than another; `seen` are all versions in the order in which they first ran.

    Without versions everything is later than before.
    """
    if not version or not than:
        return True
    mine, theirs = _numbers(version), _numbers(than)
    if mine is not None and theirs is not None:
        return mine > theirs
    order = {name: number for number, name in enumerate(seen)}
    return order.get(version, len(order)) > order.get(than, len(order))


def _numbers(version: str) -> tuple[int, ...] | None:
    match = _NUMBERS.match(version)
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and not numbers[-1]:
        # 1.2 and 1.2.0 are one version.
        numbers.pop()
    return tuple(numbers)
