"""The id of an OpenTelemetry trace: shown where the bot uses OpenTelemetry, and nothing else happens where it does not."""

from __future__ import annotations

import logging
import sys
from types import ModuleType, SimpleNamespace

import pytest

from statsbot_webhooks import WebhookLogHandler
from statsbot_webhooks.capture.errors.trace_id import trace_details
from statsbot_webhooks.events.event import Event
from statsbot_webhooks.redaction.redactor import Redactor

TRACE = 0x5B8EFFF798038103D269B633813FC60C


def use(monkeypatch: pytest.MonkeyPatch, context: object) -> None:
    module = ModuleType("opentelemetry.trace")
    module.get_current_span = lambda: SimpleNamespace(get_span_context=lambda: context)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", module)


def test_an_error_has_the_id_of_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, SimpleNamespace(is_valid=True, trace_id=TRACE))
    events: list[Event] = []
    handler = WebhookLogHandler(events.append)
    for level in (logging.WARNING, logging.ERROR):
        handler.handle(logging.LogRecord("shop", level, __file__, 1, "text", None, None))
    assert [event.context.get("trace_id") for event in events] == [None, "5b8efff798038103d269b633813fc60c"]
    # It is no secret, and is looked for elsewhere.
    assert Redactor().redact(events[1]).context["trace_id"] == "5b8efff798038103d269b633813fc60c"


def test_nothing_without_a_trace_or_with_a_module_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trace_details() == {}
    use(monkeypatch, SimpleNamespace(is_valid=False, trace_id=0))
    assert trace_details() == {}
    use(monkeypatch, None)
    assert trace_details() == {}
