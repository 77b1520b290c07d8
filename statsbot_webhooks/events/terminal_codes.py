"""Codes for terminals, such as colours, which some programs put into their texts. Pure."""

from __future__ import annotations

import re
from typing import Final

# ECMA-48: CSI sequences such as colours, OSC such as links and titles, and the two-character ones. None overlaps with another.
_CODES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-Z\\^-~])")


def strip_terminal_codes(text: str) -> str:
    """Return a text without codes for terminals."""
    return _CODES.sub("", text) if "\x1b" in text else text
