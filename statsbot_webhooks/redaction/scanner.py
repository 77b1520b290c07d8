"""One pass over the bytes of a text: at each anchor the rules are asked, and what they find is replaced. Pure; linear time."""

from __future__ import annotations

import re
from typing import Final

import re2

from . import labelled_secrets as redact_context
from .token_patterns import SHAPES, Shape, compile_scan, passes_luhn

MASK: Final = "[redacted]"
# Reading a find costs 2 to 10 microseconds. A text with more of them than one in so many bytes is an attack, or a dump of
# secrets: what is left of it then is not shown.
_FEWEST_FINDS: Final = 2000
_BYTES_PER_FIND: Final = 500
_SCAN: Final = compile_scan([*redact_context.ANCHORS, *(shape.anchor.encode() for shape in SHAPES)])


def _by_first_byte() -> dict[int, tuple[re.Pattern[bytes], tuple[Shape, ...]]]:
    """Return what to try where an anchor begins with a byte: one pattern with a group for each shape."""
    found: dict[int, tuple[re.Pattern[bytes], tuple[Shape, ...]]] = {}
    for byte in range(33, 127):
        shapes = tuple(shape for shape in SHAPES if re.match(shape.begins, chr(byte)))
        if shapes:
            found[byte] = re.compile(b"|".join(b"(%b)" % shape.pattern.encode() for shape in shapes)), shapes
    return found


_SHAPES: Final = _by_first_byte()


def replace_values(pattern: re2._Regexp[bytes], data: bytes) -> bytes:
    """Return the bytes without what a pattern finds; the same object when that is nothing."""
    if pattern.search(data) is None:
        return data
    pieces: list[bytes] = []
    end = 0
    for found in pattern.finditer(data):
        # Pieces of one long secret that follow each other are one.
        if found.start() > end or not pieces:
            pieces += [data[end : found.start()], MASK.encode()]
        end = found.end()
        if len(pieces) > 2 * _most_finds(data):
            return b"".join([*pieces, _rest(len(data) - end)])
    return b"".join([*pieces, data[end:]])


def redact_bytes(data: bytes) -> bytes:
    """Return UTF-8 without the secrets that its shape or what stands before them gives away; the same object for none."""
    anchor = _SCAN.search(data)
    return data if anchor is None else _replace_finds(data, anchor.start())


def _replace_finds(data: bytes, at: int) -> bytes:
    pieces: list[bytes] = []
    end, budget = 0, _most_finds(data)
    while at >= 0:
        budget -= 1
        if budget < 0:
            return b"".join([*pieces, data[end:at], _rest(len(data) - at)])
        found = _find(data, at, end)
        if found is not None and found.start >= end:
            pieces += [data[end : found.start], found.shown]
            end = found.end
        anchor = _SCAN.search(data, max(at + 1, end))
        at = -1 if anchor is None else anchor.start()
    return b"".join([*pieces, data[end:]]) if pieces else data


def _find(data: bytes, at: int, done: int) -> redact_context.Found | None:
    """Return the secret that begins at an anchor, or around it but not before `done`."""
    pattern, shapes = _SHAPES.get(data[at], (None, ()))
    shape = pattern.match(data, at) if pattern is not None else None
    if shape is None:
        return redact_context.find(data, at)
    label = shapes[(shape.lastindex or 1) - 1].label
    start = at
    if label == "card number" and not passes_luhn(re.sub(rb"\D", b"", shape[0]).decode()):
        return None
    if label in ("token", "Telegram token", "Azure key", "Mailchimp key"):
        # The anchor is in the middle: what is before it belongs to the secret.
        before = data[max(done, at - 64) : at]
        start = at - (len(before) - len(before.rstrip(redact_context.NAME_BYTES)))
        # A bot's id in base64 has capitals; the names of modules and functions, which have dots too, do not.
        if label == "token" and data[at : at + 1] == b"." and (at - start < 18 or data[start:at].islower()):
            return None
        if label == "Mailchimp key" and at - start < 31:
            return None
    return redact_context.Found(start, shape.end(), f"[redacted {label}]".encode())


def _most_finds(data: bytes) -> int:
    return max(_FEWEST_FINDS, len(data) // _BYTES_PER_FIND)


def _rest(size: int) -> bytes:
    return b"[redacted: %d more bytes of a text with too many secrets]" % size
