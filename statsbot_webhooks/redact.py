"""The gate before storage: secrets are redacted, persons masked, in every string of an event. Pure; linear time."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from .event import Event

_MASK: Final = "[redacted]"
_WEBHOOK_URL: Final = re.compile(
    # Slashes may be escaped, as JSON writers do.
    r"(?:https?:)?(?:\\?/){0,2}(?:[a-z]{1,20}\.)?discord(?:app)?\.com(?::\d{1,5})?"
    r"\\?/api\\?/(?:v\d{1,3}\\?/)?webhooks\\?/\d{1,25}\\?/[\w-]+",
    re.I,
)
# Also without the host: discord.py and aiohttp log the path alone.
_WEBHOOK_PATH: Final = re.compile(r"/webhooks/\d{1,25}/[\w-]{30,200}", re.I)
# A bot token: base64 of the id, a time stamp, an HMAC. https://discord.com/developers/docs/reference#authentication
_BOT_TOKEN: Final = re.compile(r"(?<![\w-])(?:mfa\.[\w-]{20,200}|[\w-]{18,40}\.[\w-]{5,8}\.[\w-]{25,120})(?![\w-])")
_KEY_WORDS: Final = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|authorization|api[_-]?key|access[_-]?key|private[_-]?key|credentials?"
    r"|(?<![a-z])token(?!s)|(?<=_)token(?!s)|(?<=-)token(?!s)|[a-z]token(?!s)|cookie"
)
_SECRET_KEY: Final = re.compile(_KEY_WORDS, re.I)
_ASSIGNMENT: Final = re.compile(
    rf"((?:{_KEY_WORDS})[\w-]{{0,40}}['\"]{{0,2}}\s{{0,5}}[=:]\s{{0,5}})"
    r"(b?\"(?:[^\"\\\n]|\\.){0,4000}\"?|b?'(?:[^'\\\n]|\\.){0,4000}'?|(?:(?:bearer|basic|bot|digest)\s+)?"
    # What an earlier rule left, or a bare value. A delimiter inside the value belongs to it unless what follows shows
    # that the value is over: half a password must not remain.
    r"(?:\[redacted[^\]\n]{0,20}\]|(?:[^\s,;&)}\]\"']|[,;&)}\]\"'](?![,;&)}\]\"']{0,8}(?:\s|\Z)|[\w-]{1,40}[=:]))+))",
    re.I,
)
_BEARER: Final = re.compile(r"(\b(?:bearer|bot)\s{1,5})([\w.~+/=-]{16,4000})", re.I)
_MENTION: Final = r"<@!?(\d{15,21})>"
_PERSON_KEYS: Final = frozenset(
    {"member_id", "user_id", "author_id", "member", "user", "author", "username", "moderator", "display_name", "nick"}
)


class Redactor:
    """Redact secrets always, mask persons and drop tracebacks when asked to."""

    def __init__(self, *, mask_user_ids: bool = False, include_stack_traces: bool = True, mask_key: bytes | None = None) -> None:
        self._masks = mask_user_ids
        self._keeps_traces = include_stack_traces
        self._key = mask_key or secrets.token_bytes(16)

    def redact(self, event: Event) -> Event:
        """Return the event without secrets; equal input gives equal output for one key."""
        names = self._pseudonyms(event) if self._masks else {}
        trace = event.traceback if self._keeps_traces else None
        return replace(
            event,
            message=self._clean(event.message, names),
            template=self._clean(event.template, names),
            origin=self._clean(event.origin, names),
            context=self._clean_mapping(event.context, names),
            traceback=None if trace is None else self._clean(trace, names),
            title=self._clean(event.title, names),
            files=tuple(
                replace(file, name=self._clean(file.name, names), text=self._clean(file.text, names)) for file in event.files
            ),
            persons=() if self._masks else event.persons,
        )

    def redact_text(self, text: str) -> str:
        """Return a text without secrets."""
        text = _WEBHOOK_URL.sub("[redacted webhook URL]", text)
        text = _WEBHOOK_PATH.sub("/webhooks/[redacted]", text)
        text = _BOT_TOKEN.sub("[redacted token]", text)
        text = _ASSIGNMENT.sub(rf"\1{_MASK}", text)
        return _BEARER.sub(rf"\1{_MASK}", text)

    def _clean(self, text: str, names: Mapping[str, str]) -> str:
        text = self.redact_text(text)
        if self._masks:
            # One pass: a name must not be found within the pseudonym of another.
            pattern = "|".join([_MENTION, *map(_whole, names)])
            text = re.sub(pattern, lambda match: self._pseudonym(match[1]) if match[1] else names[match[0]], text)
        return text

    def _clean_mapping(self, context: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        for key, value in context.items():
            # A person called "user" must not change what the key user_id says.
            shown = key if key.lower() in _PERSON_KEYS else self._clean(key, names)
            if _SECRET_KEY.search(key) and not isinstance(value, (bool, type(None))):
                clean[shown] = _MASK
            elif self._masks and key.lower() in _PERSON_KEYS and value is not None:
                clean[shown] = names.get(str(value)) or self._clean_person(value, names)
            else:
                clean[shown] = self._clean_value(value, names)
        return clean

    def _clean_value(self, value: Any, names: Mapping[str, str]) -> Any:
        if isinstance(value, str):
            return self._clean(value, names)
        if isinstance(value, Mapping):
            return self._clean_mapping(value, names)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, list):
            return [self._clean_value(item, names) for item in value]  # pyright: ignore[reportUnknownVariableType]
        if self._masks and isinstance(value, int) and str(value) in names:
            return names[str(value)]
        return value

    def _clean_person(self, value: Any, names: Mapping[str, str]) -> str:
        text = str(value)
        cleaned = self._clean(text, names)
        # A mapping may hold more of the person than was found in it.
        return cleaned if isinstance(value, str) and cleaned != text else self._pseudonym(text)

    def _pseudonyms(self, event: Event) -> dict[str, str]:
        names: dict[str, str] = {}
        for person in event.persons:
            pseudonym = self._pseudonym(str(person.id))
            names[str(person.id)] = pseudonym
            names.update({name: pseudonym for name in person.names if name.strip()})
        # Longest first, so that a name within a name does not break the longer one.
        return dict(sorted(names.items(), key=lambda item: -len(item[0])))

    def _pseudonym(self, identity: str) -> str:
        return f"user-{hashlib.blake2b(identity.encode(), key=self._key, digest_size=4).hexdigest()}"


def _whole(name: str) -> str:
    """Return the pattern of a name as a word of its own. Only ASCII has word borders: Japanese has no spaces."""
    start = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", name) else ""
    return start + re.escape(name) + (r"(?![A-Za-z0-9])" if re.search(r"[A-Za-z0-9]\Z", name) else "")
