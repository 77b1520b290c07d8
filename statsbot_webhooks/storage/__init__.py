"""Where accepted events wait until Discord has confirmed them."""

from __future__ import annotations

from .base import Entry, Outbox
from .memory import MemoryOutbox

__all__ = ["Entry", "MemoryOutbox", "Outbox"]
