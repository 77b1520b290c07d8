"""Tests for any discord.py bot: a bot of yours in the sandbox, and the events that this package captured of it.

The fixtures are in `pytest_plugin`, which pytest finds by itself; docs/testing.md shows them.
"""

from __future__ import annotations

from .captured import CapturedEvents
from .running import BotRunner

__all__ = ["BotRunner", "CapturedEvents"]
