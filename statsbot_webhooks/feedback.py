"""The variable that keeps our own records out of the log that we ship (G1)."""

from __future__ import annotations

from contextvars import ContextVar

suppressed: ContextVar[bool] = ContextVar("statsbot_webhooks_suppressed", default=False)
"""Whether records of this context are ours and must not be shipped (G1)."""
