"""Check what a test sent against the request schemas of Discord's own description of its API."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from statsbot_webhooks.sandbox import Request

PATH = Path(__file__).parent / "data" / "discord-openapi.json"
_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
_CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
ROUTES = (
    ("POST", re.compile(r"/api(/v\d+)?/webhooks/\d+/[^/]+$"), _WEBHOOK),
    ("PATCH", re.compile(r"/api(/v\d+)?/webhooks/\d+/[^/]+/messages/\d+$"), f"{_WEBHOOK}/messages/{{message_id}}"),
    ("PATCH", re.compile(r"/api(/v\d+)?/webhooks/\d+/[^/]+/messages/@original$"), f"{_WEBHOOK}/messages/@original"),
    ("POST", re.compile(r"/api(/v\d+)?/interactions/\d+/[^/]+/callback$"), _CALLBACK),
)
# What Discord refuses because of its form; tests of the rules send such payloads on purpose.
_REFUSED = (50006, 50035, 50109, 40005)
_seen: set[tuple[str, str]] = set()


@functools.cache
def validators() -> dict[str, Draft202012Validator]:
    whole = json.loads(PATH.read_text("utf-8"))
    found: dict[str, Draft202012Validator] = {}
    for method, _, route in ROUTES:
        content = whole["paths"][route][method.lower()]["requestBody"]["content"]
        # The schema sits inside the whole, so that its references find what they name.
        found[method + route] = Draft202012Validator({**content["application/json"]["schema"], "components": whole["components"]})
    return found


def problems(requests: Iterable[Request]) -> list[str]:
    """Return what is wrong with payloads that were sent; each distinct one is looked at once in a run."""
    known, wrong = validators(), list[str]()
    for request in requests:
        if not isinstance(request.payload, dict) or _code(request.response) in _REFUSED:
            continue
        for method, pattern, route in ROUTES:
            if method != request.method or not pattern.search(request.path):
                continue
            text = json.dumps(_spelled(request.payload), sort_keys=True)
            if (route, text) not in _seen:
                _seen.add((route, text))
                errors = (best_match([e]) for e in known[method + route].iter_errors(json.loads(text)))
                wrong += [f"{method} {route}: {error.json_path} {error.message[:300]}" for error in errors]
    return wrong


def execute_errors(payload: dict[str, Any]) -> list[str]:
    """Return what the schema of "execute webhook" says against a payload."""
    found = validators()[f"POST{_WEBHOOK}"].iter_errors(_spelled(payload))
    return [f"{error.json_path} {error.message[:300]}" for error in found]


def _spelled(payload: dict[str, Any]) -> dict[str, Any]:
    # The schema has ids as text; Discord's guide to uploads, and discord.py after it, numbers new files with integers, and
    # discord.py sends the ids of mentions as integers too.
    spelled = dict(payload)
    if files := payload.get("attachments"):
        spelled["attachments"] = [{**file, "id": str(file["id"])} for file in files]
    if mentions := payload.get("allowed_mentions"):
        listed = {kind: list(map(str, mentions[kind])) for kind in ("roles", "users") if kind in mentions}
        spelled["allowed_mentions"] = {**mentions, **listed}
    return spelled


def _code(response: Any) -> int | None:
    return response.get("code") if isinstance(response, dict) else None
