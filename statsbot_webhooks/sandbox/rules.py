"""What Discord enforces: lengths, counts, names, rate limits, and how it says no. Numbers are written out on purpose."""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of the server
    """An answer with a status of 400 and above."""

    status: int
    code: int
    message: str
    errors: JSON = field(default_factory=dict[str, Any])

    def body(self) -> JSON:
        body: JSON = {"message": self.message, "code": self.code}
        return {**body, "errors": self.errors} if self.errors else body


class _Form:
    """Collects what is wrong with a body, in the shape of Discord's error 50035."""

    def __init__(self) -> None:
        self.errors: JSON = {}

    def add(self, path: str, code: str, message: str) -> None:
        place = self.errors
        for part in path.split("."):
            place = place.setdefault(part, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, path: str, value: object, most: int, least: int = 0) -> int:
        if value is None:
            return 0
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{type(value).__name__}" as string.')
            return 0
        length = len(value.encode("utf-16-le", "surrogatepass")) // 2
        if length > most:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        if length < least or (least and not value.strip()):
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        return length

    def url(self, path: str, value: object, schemes: str = "https?|attachment") -> None:
        if value is not None and not (isinstance(value, str) and re.match(rf"({schemes})://\S+$", value)):
            self.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")


def check_message(payload: object, file_sizes: list[int], *, editing: bool = False, webhook: bool = True) -> JSON:
    """Return the body of a message when Discord would take it; raises `Refusal`."""
    if not isinstance(payload, dict):
        raise Refusal(400, 50109, "The request body contains invalid JSON.")
    if len(file_sizes) > 10:
        raise Refusal(400, 50035, "Invalid Form Body", {"files": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH"}]}})
    if sum(file_sizes) > 10 * 1024 * 1024:
        raise Refusal(413, 40005, "Request entity too large")
    form = _Form()
    body: JSON = payload  # pyright: ignore[reportUnknownVariableType]
    _refuse_non_finite(body)
    form.text("content", body.get("content"), 2000)
    if webhook:
        _check_name(form, body.get("username"))
        form.url("avatar_url", body.get("avatar_url"), "https?")
    embeds = body.get("embeds") or []
    if not isinstance(embeds, list):
        form.add("embeds", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        embeds = []
    if len(embeds) > 10:  # pyright: ignore[reportUnknownArgumentType]
        form.add("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = sum(_check_embed(form, f"embeds.{i}", embed) for i, embed in enumerate(embeds))  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    if total > 6000:
        form.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    _check_mentions(form, body.get("allowed_mentions"))
    if form.errors:
        raise Refusal(400, 50035, "Invalid Form Body", form.errors)
    has_text = isinstance(body.get("content"), str) and bool(body["content"].strip())
    if not editing and not has_text and not embeds and not file_sizes and not body.get("components"):
        raise Refusal(400, 50006, "Cannot send an empty message")
    return body


def _refuse_non_finite(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal(400, 50109, "The request body contains invalid JSON.")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    for item in items:  # pyright: ignore[reportUnknownVariableType]
        _refuse_non_finite(item)  # pyright: ignore[reportUnknownArgumentType]


def _check_name(form: _Form, name: object) -> None:
    form.text("username", name, 80, 1)
    if isinstance(name, str):
        for word in ("discord", "clyde"):
            if word in name.lower():
                form.add("username", "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"')


def _check_embed(form: _Form, path: str, embed: object) -> int:
    if not isinstance(embed, dict):
        form.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return 0
    data: JSON = embed  # pyright: ignore[reportUnknownVariableType]
    total = form.text(f"{path}.title", data.get("title"), 256)
    total += form.text(f"{path}.description", data.get("description"), 4096)
    total += form.text(f"{path}.footer.text", (data.get("footer") or {}).get("text"), 2048)
    total += form.text(f"{path}.author.name", (data.get("author") or {}).get("name"), 256)
    for key in ("image", "thumbnail"):
        form.url(f"{path}.{key}.url", (data.get(key) or {}).get("url"))
    form.url(f"{path}.url", data.get("url"))
    color = data.get("color")
    if color is not None and (isinstance(color, bool) or not isinstance(color, int) or not 0 <= color <= 0xFFFFFF):
        form.add(f"{path}.color", "NUMBER_TYPE_COERCE", "Value is not an int between 0 and 16777215.")
    try:
        if (stamp := data.get("timestamp")) is not None:
            datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        form.add(f"{path}.timestamp", "DATE_TIME_TYPE_PARSE", "Could not parse. Should be ISO8601.")
    fields = data.get("fields") or []
    if len(fields) > 25:
        form.add(f"{path}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for index, item in enumerate(fields):
        total += form.text(f"{path}.fields.{index}.name", item.get("name", ""), 256, 1)
        total += form.text(f"{path}.fields.{index}.value", item.get("value", ""), 1024, 1)
    return total


def _check_mentions(form: _Form, allowed: object) -> None:
    if allowed is None:
        return
    if not isinstance(allowed, dict):
        form.add("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return
    data: JSON = allowed  # pyright: ignore[reportUnknownVariableType]
    for kind in data.get("parse", []):
        if kind not in ("roles", "users", "everyone"):
            form.add("allowed_mentions.parse", "BASE_TYPE_CHOICES", "Value must be one of (roles, users, everyone).")
        if kind in ("roles", "users") and data.get(kind):
            form.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse and ids are exclusive")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say of a request; `retry_after` is in seconds when it is refused."""

    retry_after: float | None
    remaining: int
    reset_after: float


class RateLimits:
    """5 in 2 s for each webhook, shown in headers; 30 in 60 s for each channel, shown nowhere. Sliding windows."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._webhooks: defaultdict[int, deque[float]] = defaultdict(deque)
        self._channels: defaultdict[int, deque[float]] = defaultdict(deque)

    def check(self, webhook_id: int, channel_id: int) -> Verdict:
        """Count a request, or refuse it without counting it."""
        now = self._monotonic()
        recent = self._recent(self._webhooks[webhook_id], now - 2.0)
        channel = self._recent(self._channels[channel_id], now - 60.0)
        if len(recent) >= 5:
            return Verdict(recent[0] + 2.0 - now, 0, recent[0] + 2.0 - now)
        if len(channel) >= 30:
            return Verdict(channel[0] + 60.0 - now, 5 - len(recent), 2.0)
        recent.append(now)
        channel.append(now)
        return Verdict(None, 5 - len(recent), recent[0] + 2.0 - now)

    @staticmethod
    def _recent(times: deque[float], since: float) -> deque[float]:
        while times and times[0] <= since:
            times.popleft()
        return times
