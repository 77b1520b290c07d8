"""The id of the OpenTelemetry trace that an error belongs to, where the bot uses OpenTelemetry; nothing is imported for it."""

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
    except Exception:  # noqa: BLE001 - a guard: an SDK that fails, or another module of that name, costs the detail only
        return {}
