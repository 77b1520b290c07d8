"""The colours of cards and answers, 0xRRGGBB. Which card gets which colour is decided in `formatting`."""

from __future__ import annotations

from typing import Final

from .event import LogLevel

GREY: Final = 0x80848E
BLUE: Final = 0x3498DB
BLURPLE: Final = 0x5865F2
GREEN: Final = 0x23A55A
AMBER: Final = 0xF0B232
RED: Final = 0xE74C3C
DARK_RED: Final = 0x992D22

LEVEL_COLORS: Final[dict[LogLevel, int]] = {
    LogLevel.DEBUG: GREY,
    LogLevel.INFO: BLUE,
    LogLevel.WARNING: AMBER,
    LogLevel.ERROR: RED,
    LogLevel.CRITICAL: DARK_RED,
}
"""The colour of a level, from the lowest level to the highest."""
