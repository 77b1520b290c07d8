"""What Discord enforces: lengths, counts, names, rate limits. Numbers are written out on purpose."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from ..clock import SandboxClock
from .component_rules import check_components
from .errors import JSON, Form, Refusal, is_finite, part

# A date and a time of day; Discord does not take Python's shorter spellings of ISO 8601.
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?\Z")
_SNOWFLAKE: Final = re.compile(r"\d{1,20}\Z")
Scope = Literal["user", "shared"]
_PER_WEBHOOK: Final = 5
_WEBHOOK_SECONDS: Final = 2.0
_PER_CHANNEL: Final = 30
_CHANNEL_SECONDS: Final = 60.0
_OLD_SECONDS: Final = 3600.0
_OLD_EDITS: Final = 3
_ANNOUNCEMENT_EDITS: Final = 10
_FILE_BYTES: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NameRules:
    """What a webhook may be called: words that its name may not contain, in any case."""

    words: tuple[str, ...] = ("discord", "clyde")

    def check(self, name: object, *, required: bool = False) -> None:
        """Check the name of a webhook; raises `Refusal`."""
        form = Form()
        if required and name is None:
            form.add("name", "BASE_TYPE_REQUIRED", "This field is required")
        self.add_to(form, "name", name)
        form.finish()

    def add_to(self, form: Form, key: str, name: object) -> None:
        """Add what is wrong with a name to a form."""
        if name is None:
            return
        form.text(key, name, 80)
        if not isinstance(name, str):
            return
        if not name.strip():
            form.add(key, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
        for word in self.words:
            if word in name.lower():
                form.add(key, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"')


NAMES: Final = NameRules()
# Discord refuses these too at times, and parts of them: it does not say when.
STRICT_NAMES: Final = NameRules((*NAMES.words, "everyone", "here"))


def check_message(
    payload: object, file_sizes: list[int], *, editing: bool = False, webhook: bool = True, names: NameRules = NAMES
) -> JSON:
    """Return the body of a message when Discord would take it; raises `Refusal`."""
    if not isinstance(payload, dict) or not is_finite(cast(object, payload)):
        raise Refusal(400, 50109, "The request body contains invalid JSON.")
    body = cast(JSON, payload)
    if sum(file_sizes) > _FILE_BYTES:
        raise Refusal(413, 40005, "Request entity too large")
    reference: JSON = part(body.get("message_reference"))
    for is_there, name in (
        (body.get("poll"), "polls"), (body.get("sticker_ids"), "stickers"), (reference.get("type"), "forwarded messages"),
    ):  # fmt: skip
        if is_there:
            raise Refusal(400, 0, f"the sandbox does not implement {name}")
    form = Form()
    if len(file_sizes) > 10:
        form.add("files", "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 10 in length.")
    form.text("content", body.get("content"), 2000)
    if webhook and not editing:
        names.add_to(form, "username", body.get("username"))
        form.url("avatar_url", body.get("avatar_url"))
        form.text("thread_name", body.get("thread_name"), 100)
    embeds = form.items("embeds", body.get("embeds"), 10)
    if sum(_check_embed(form, f"embeds.{i}", embed) for i, embed in enumerate(embeds)) > 6000:
        form.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    form.whole("flags", body.get("flags"), (1 << 63) - 1)
    for index, item in enumerate(form.items("attachments", body.get("attachments"), 10)):
        form.table(f"attachments.{index}", item)
    check_components(form, "components", body.get("components"), flags=body.get("flags") or 0)
    _check_mentions(form, body.get("allowed_mentions"))
    form.finish()
    has_text = bool((body.get("content") or "").strip())
    shows = has_text or any(map(_is_shown, embeds)) or file_sizes or body.get("components")
    if not (editing or shows):
        raise Refusal(400, 50006, "Cannot send an empty message")
    return body


def _is_shown(embed: JSON) -> bool:
    keys = ("title", "description", "fields", "footer", "author", "image", "thumbnail", "url")
    return any(embed.get(key) for key in keys)


def _check_embed(form: Form, path: str, embed: object) -> int:
    data = form.table(path, embed)
    footer, author = form.table(f"{path}.footer", data.get("footer")), form.table(f"{path}.author", data.get("author"))
    total = form.text(f"{path}.title", data.get("title"), 256)
    total += form.text(f"{path}.description", data.get("description"), 4096)
    total += form.text(f"{path}.footer.text", footer.get("text"), 2048)
    total += form.text(f"{path}.author.name", author.get("name"), 256)
    form.url(f"{path}.url", data.get("url"))
    form.url(f"{path}.author.url", author.get("url"))
    pictures: dict[str, object] = {
        "footer.icon_url": footer.get("icon_url"), "author.icon_url": author.get("icon_url"),
        "image.url": form.table(f"{path}.image", data.get("image")).get("url"),
        "thumbnail.url": form.table(f"{path}.thumbnail", data.get("thumbnail")).get("url"),
    }  # fmt: skip
    for key, url in pictures.items():
        form.url(f"{path}.{key}", url, ("http", "https", "attachment"))
    form.whole(f"{path}.color", data.get("color"), 0xFFFFFF)
    _check_stamp(form, f"{path}.timestamp", data.get("timestamp"))
    for index, item in enumerate(form.items(f"{path}.fields", data.get("fields"), 25)):
        field = form.table(f"{path}.fields.{index}", item)
        total += form.text(f"{path}.fields.{index}.name", field.get("name"), 256, required=True)
        total += form.text(f"{path}.fields.{index}.value", field.get("value"), 1024, required=True)
    return total


def _check_stamp(form: Form, path: str, value: object) -> None:
    if value is None:
        return
    try:
        if isinstance(value, str) and _STAMP.match(value):
            datetime.fromisoformat(value)
            return
    except ValueError:
        pass
    form.add(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")


def _check_mentions(form: Form, allowed: object) -> None:
    data = form.table("allowed_mentions", allowed)
    parse = form.items("allowed_mentions.parse", data.get("parse"), 3)
    for index, kind in enumerate(parse):
        if kind not in ("roles", "users", "everyone"):
            message = "Value must be one of ('roles', 'users', 'everyone')."
            form.add(f"allowed_mentions.parse.{index}", "BASE_TYPE_CHOICES", message)
    for kind in ("roles", "users"):
        ids = form.items(f"allowed_mentions.{kind}", data.get(kind), 100)
        for index, value in enumerate(ids):
            if isinstance(value, bool) or not _SNOWFLAKE.match(str(value)):
                message = f'Value "{value}" is not snowflake.'
                form.add(f"allowed_mentions.{kind}.{index}", "NUMBER_TYPE_COERCE", message)
        if ids and kind in parse:
            message = f"parse:[{kind!r}] and {kind}: [ids...] are mutually exclusive."
            form.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say of a request; `retry_after` is in seconds when it is refused."""

    retry_after: float | None
    remaining: int
    reset_after: float
    scope: Scope = "user"

    def headers(self, now: float) -> dict[str, str]:
        """Return the headers of the webhook's own limit at a wall clock time."""
        return {
            "X-RateLimit-Limit": str(_PER_WEBHOOK), "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{now + self.reset_after:.3f}", "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": "sandbox-webhook",
        }  # fmt: skip


class RateLimits:
    """5 in 2 s for each webhook, shown in headers; 30 in 60 s for each channel, shown nowhere."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._webhooks: defaultdict[int, deque[float]] = defaultdict(deque)
        self._channels: defaultdict[int, deque[float]] = defaultdict(deque)

    def check(self, webhook_id: int, channel_id: int) -> Verdict:
        """Count a request, or refuse it without counting it."""
        now = self._monotonic()
        recent = self._recent(self._webhooks[webhook_id], now - _WEBHOOK_SECONDS)
        channel = self._recent(self._channels[channel_id], now - _CHANNEL_SECONDS)
        if len(recent) >= _PER_WEBHOOK:
            wait = recent[0] + _WEBHOOK_SECONDS - now
            return Verdict(wait, 0, wait)
        reset_after = (recent[0] if recent else now) + _WEBHOOK_SECONDS - now
        if len(channel) >= _PER_CHANNEL:
            # The headers go on telling only of the webhook's own limit, which has room left.
            return Verdict(channel[0] + _CHANNEL_SECONDS - now, _PER_WEBHOOK - len(recent), reset_after, "shared")
        recent.append(now)
        channel.append(now)
        return Verdict(None, _PER_WEBHOOK - len(recent), reset_after)

    @staticmethod
    def _recent(times: deque[float], since: float) -> deque[float]:
        while times and times[0] <= since:
            times.popleft()
        return times


class OldEdits:
    """Messages older than an hour take only a few edits in an hour, and so does an announcement channel.

    Discord tells of these limits (errors 30046 and 20022) but not their numbers; these are few enough to be found out here
    first.
    """

    def __init__(self, clock: SandboxClock, *, on: bool) -> None:
        self._clock = clock
        self._on = on
        self._edits: defaultdict[str, deque[float]] = defaultdict(deque)

    def check(self, message: JSON, *, announcement: bool = False) -> None:
        """Count an edit; raises `Refusal` for one too many."""
        if not self._on:
            return
        now = self._clock.time()
        is_old = now - datetime.fromisoformat(message["timestamp"]).timestamp() >= _OLD_SECONDS
        if is_old:
            text = "Maximum number of edits to messages older than 1 hour reached. Try again later"
            self._count(message["id"], _OLD_EDITS, now, 30046, text)
        if announcement:
            text = "This message cannot be edited due to announcement rate limits."
            self._count(message["channel_id"], _ANNOUNCEMENT_EDITS, now, 20022, text)

    def _count(self, key: str, most: int, now: float, code: int, text: str) -> None:
        edits = self._edits[key]
        while edits and edits[0] <= now - _OLD_SECONDS:
            edits.popleft()
        if len(edits) >= most:
            wait = round(edits[0] + _OLD_SECONDS - now + 0.0005, 3)
            raise Refusal(429, code, text, more={"retry_after": wait, "global": False})
        edits.append(now)
