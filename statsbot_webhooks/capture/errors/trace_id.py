"""Trace id of OpenTelemetry for an error, if the bot uses OpenTelemetry, which is never imported here."""

from __future__ import annotations

import sys
from typing import Any, Final

_MODULE: Final = "opentelemetry.trace"


def trace_details() -> dict[str, object]:
    """Return the id of the current trace as a detail of an event; empty without OpenTelemetry, or outside of a trace."""
    module: Any = sys.modules.get(_MODULE)
    if module is None:
        return {}
    try:
        context = module.get_current_span().get_span_context()
        return {"trace_id": format(context.trace_id, "032x")} if context.is_valid else {}
    except Exception:  # noqa: BLE001 - a guard: when an SDK fails, or is another module, only this detail is missing
        return {}
