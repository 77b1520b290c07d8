"""Redactor: remove secrets from every string of an event before it is stored, and mask persons if configured. Linear time.

Order: known values, then shapes and named secrets, then the user's patterns, then persons. The rules are in other modules.
"""

from __future__ import annotations

import codecs
import functools
import importlib
import re
import secrets as randomness
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..events.event import Event, EventFile, Person
from ..events.terminal_codes import strip_terminal_codes
from .key_names import NameKind, looks_random, name_kind, rule_of
from .masking import PERSON_KEYS, Mask, MaskLevel, persons_of, pseudonym
from .repeats import clean_full, clean_repeated
from .rules import Counts, mark, may_hold_secret, redact_bytes, redact_keys
from .unicode_text import without_invisible
from .user_patterns import compile_user_pattern
from .value_forms import bones
from .value_index import RULE, KnownValues

OWN_PATTERN: Final = "own pattern"
# A larger number may be a secret of the environment or a card.
_LONG_NUMBER: Final = 10**7
_SNOWFLAKE: Final = 10**16
_MOST_CACHED: Final = 2048
_MOST_LETTERS: Final = 200
_LONG_TEXT: Final = 8192
# The first bytes of PNG, JPEG, GIF, WebP, PDF, ZIP and gzip.
_PACKED: Final = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b")
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LETTERS: Final = re.compile(rb"[ -~]{8,}")


class Redactor:
    """Redact secrets always; mask persons and drop tracebacks if configured.

    `secrets` are values that must not be shown in any encoding; `patterns` are the user's, as `user_patterns` reads them;
    they raise `ValueError`. `counts` counts the finds of each rule.
    """

    def __init__(
        self,
        *,
        mask_user_ids: bool = False,
        mask_level: MaskLevel | None = None,
        include_stack_traces: bool = True,
        mask_key: bytes | None = None,
        secrets: Iterable[str] = (),
        patterns: Sequence[str] = (),
    ) -> None:
        self._level = mask_level or (MaskLevel.FULL if mask_user_ids else MaskLevel.OFF)
        if self._level != MaskLevel.OFF:
            # Imported at once what masking needs later, because a process forked during a first import may hang.
            importlib.import_module("html.entities")
        self._keeps_traces = include_stack_traces
        self._lock = threading.Lock()
        self._secrets = frozenset(secrets)
        self._values = self._known_values()
        self._patterns = tuple(map(compile_user_pattern, patterns))
        self._clean_texts: dict[str, str] = {}
        self.mask_key = mask_key or randomness.token_bytes(16)
        self.counts: Counts = {}

    def add_secrets(self, values: Iterable[str]) -> None:
        """Redact these values too from now on."""
        with self._lock:
            more = self._secrets.union(values)
            if more != self._secrets:
                self._secrets = more
                self._values = self._known_values()
                # Last: `redact` knows by it that they were added.
                self._clean_texts = {}

    def _known_values(self) -> Callable[[], KnownValues]:
        # Built by the first text, on the intake's thread: all forms of a bot's secrets would block an event loop for 20 ms.
        return functools.cache(functools.partial(KnownValues, self._secrets))

    def continue_from(self, other: Redactor) -> None:
        """Take over mask key and counts of the redactor of the previous settings."""
        self.mask_key, self.counts = other.mask_key, other.counts

    def redact(self, event: Event) -> Event:
        """Return the event without secrets, the same object when it has none; for one mask key the result is deterministic."""
        while True:
            cache = self._clean_texts
            clean = self._redact(event)
            if self._clean_texts is cache:
                return clean
            # Secrets were added meanwhile: neither the event nor what was remembered is sure to be free of them.
            self._clean_texts = {}

    def _redact(self, event: Event) -> Event:
        mask = None
        if self._level != MaskLevel.OFF:
            mask = Mask(self._level, self.mask_key, (*event.persons, *persons_of(event.context)), event.guild_id)
        texts = self._texts(event)
        done: Mapping[str, str] = {} if texts is None else self._cleaned(texts)
        if mask is None and texts is not None and not done:
            return event

        def clean(text: str) -> str:
            # A gathered text that is not in `done` has no secrets.
            plain = self._clean(text) if texts is None else done.get(text, text)
            return plain if mask is None else mask.text(plain)

        return self._redacted(event, clean, mask)

    def _cleaned(self, texts: list[str]) -> Mapping[str, str]:
        """Return the texts that change, each with its redacted form. All are checked at once for signs of a secret first."""
        known = self._clean_texts
        if len(texts) > 1 and not self._patterns:
            joined = "\n".join(texts)
            if joined.isascii() and "\x1b" not in joined:
                data = joined.encode()
                if not self._values().may_be_in(bones(data)) and not may_hold_secret(data, data.lower()):
                    _remember(known, texts[1:])
                    return {}
        done = {text: clean for text in texts if (clean := self._clean(text)) != text}
        if len(texts) > 1:
            _remember(known, (text for text in texts[1:] if text not in done))
        return done

    def _texts(self, event: Event) -> list[str] | None:
        """Return the message of an event, and its other texts that are not known to be clean.

        None when its parts must be redacted one by one.
        """
        if event.files or (event.traceback and not self._keeps_traces):
            return None
        known, texts = self._clean_texts, [event.message]
        more = (
            *(event.template, event.origin, event.title, event.card, event.avatar_url, event.traceback),
            *(event.fingerprint, event.issue, event.note, event.process, *event.routes),
        )
        texts += [text for text in more if text and known.get(text) != text]
        for person in event.persons:
            texts += person.names
        for mapping in (event.context, event.facts):
            if mapping and not self._gather(mapping, texts):
                return None
        return texts

    def _gather(self, mapping: Mapping[str, Any], texts: list[str]) -> bool:
        """Add the texts of a mapping that are not known to be clean; False when its parts must be redacted one by one."""
        known = self._clean_texts
        for key, value in mapping.items():
            if name_kind(key) is not NameKind.HARMLESS or key == "value":
                return False
            if known.get(key) != key:
                texts.append(key)
            kind = type(value)  # pyright: ignore[reportUnknownVariableType]
            if kind is str:
                if known.get(value) != value:
                    texts.append(value)
            elif kind is int:
                if abs(value) >= _LONG_NUMBER:
                    texts.append(str(value))
            elif kind is dict:
                if not self._gather(value, texts):
                    return False
            elif kind is list:
                # A list may hold pairs of a name and a value.
                return False
        return True

    def _redacted(self, event: Event, clean: Callable[[str], str], mask: Mask | None) -> Event:
        message = clean(event.message)
        return replace(
            event,
            message=message,
            template=message if event.template == event.message else self._short(event.template, clean, mask),
            origin=self._short(event.origin, clean, mask),
            context=self._mapping(event.context, clean, mask) if event.context else event.context,
            facts=self._mapping(event.facts, clean, mask) if event.facts else event.facts,
            traceback=clean(event.traceback) if event.traceback is not None and self._keeps_traces else None,
            title=clean(event.title) if event.title else "",
            card=clean(event.card) if event.card else "",
            avatar_url=self._picture(event.avatar_url) if mask is None else "",
            files=tuple(self._file(file, clean) for file in event.files),
            persons=tuple(self._person(person) for person in event.persons) if mask is None else (),
            # Set by this package, but a host may create events of its own.
            fingerprint=self._short(event.fingerprint, clean, mask),
            issue=self._short(event.issue, clean, mask),
            note=clean(event.note) if event.note else "",
            process=self._short(event.process, clean, mask),
            routes=tuple(self._short(name, self._clean, None) for name in event.routes),
        )

    def _clean(self, text: str) -> str:
        # Terminal codes first, because a colour may split a secret.
        return self.redact_text(strip_terminal_codes(text) if "\x1b" in text else text)

    def redact_text(self, text: str) -> str:
        """Return a text without secrets. Characters that UTF-8 cannot encode become U+FFFD."""
        if len(text) > _LONG_TEXT:
            for clean_part in (clean_repeated, clean_full):
                if (clean := clean_part(text, self._redact_text, self.counts)) is not None:
                    return clean
        return self._redact_text(text, self.counts)

    def _redact_text(self, text: str, counts: Counts) -> str:
        try:
            data = text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            data = text.encode()
        if len(data) != len(text) and (bare := without_invisible(text)) != text:
            # Invisible characters may come before a key, or split a secret.
            clean = redact_keys(data, counts)
            if clean is not data:
                bare = without_invisible(clean.decode("utf-8", "replace"))
            bare_data = bare.encode()
            if (bare_clean := self._bytes(bare_data, counts)) is not bare_data:
                clean = bare_clean
        else:
            clean = self._bytes(data, counts)
        text = text if clean is data else clean.decode("utf-8", "replace")
        for pattern in self._patterns:
            if pattern.search(text) is not None:
                text, count = pattern.subn(lambda _: mark(OWN_PATTERN), text)
                counts[OWN_PATTERN] = counts.get(OWN_PATTERN, 0) + count
        return text

    def pseudonym(self, user_id: int) -> str:
        """Return the pseudonym of a person."""
        return pseudonym(self.mask_key, str(user_id))

    def name_of(self, user_id: int, name: str) -> str:
        """Return the name of a person as it may be shown: the pseudonym when names are masked."""
        return self.pseudonym(user_id) if self._level == MaskLevel.FULL else self._clean(name)

    def clean_text(self, text: str, persons: Iterable[Person] = ()) -> str:
        """Return a text of no event as it may be kept and shown."""
        clean = self._clean(text)
        return clean if self._level == MaskLevel.OFF else Mask(self._level, self.mask_key, persons, None).text(clean)

    def _bytes(self, data: bytes, counts: Counts) -> bytes:
        """Return UTF-8 without secrets; the same object when there are none."""
        known, count = self._values().redact(data, mark(RULE).encode())
        if count:
            counts[RULE] = counts.get(RULE, 0) + count
        return redact_bytes(known, counts)

    def _short(self, text: str, clean: Callable[[str], str], mask: Mask | None) -> str:
        """Redact a text that occurs often, such as a logger's name or a key, with a cache."""
        if mask is not None or len(text) > _MOST_LETTERS:
            return clean(text)
        known = self._clean_texts.get(text)
        if known is None:
            if len(self._clean_texts) >= _MOST_CACHED:
                self._clean_texts.clear()
            known = self._clean_texts[text] = clean(text)
        return known

    def _picture(self, url: str) -> str:
        # With a redacted URL Discord refuses the message.
        return url if url and self._clean(url) == url else ""

    def _person(self, person: Person) -> Person:
        return replace(person, names=tuple(self._short(name, self._clean, None) for name in person.names))

    def _file(self, file: EventFile, clean: Callable[[str], str]) -> EventFile:
        data = file.data
        if data:
            try:
                data = clean(data.decode()).encode()
            except UnicodeDecodeError:
                data = self._other_bytes(data, clean)
        return EventFile(clean(file.name), clean(file.text), data)

    def _other_bytes(self, data: bytes, clean: Callable[[str], str]) -> bytes:
        """Return bytes that are not UTF-8: a picture unchanged, a text in another encoding without secrets."""
        held = b"[redacted: this file held a secret]"
        if data.startswith(_PACKED):
            # Compressed bytes look like anything, so only runs of printable characters are checked.
            text = b"\n".join(_LETTERS.findall(data)).decode()
            return data if clean(text) == text else held
        # Without any, UTF-16 has a mark at its beginning, or no blank and no line end.
        is_wide = b"\0" in data or data.startswith(_WIDE)
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be") if is_wide else ():
            text = data.decode(encoding, "replace")
            if clean(text) != text:
                return held
        # Latin-1 keeps every byte that is not part of a secret; and UTF-8 that was cut.
        for encoding in ("latin-1", "utf-8"):
            text = data.decode(encoding, "replace")
            if (cleaned := clean(text)) != text:
                if b"\0" in data:
                    # A binary file would be broken.
                    return held
                data = cleaned.encode(encoding, "replace")
        return data

    def _mapping(self, context: Mapping[str, Any], clean: Callable[[str], str], mask: Mask | None) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        # {"name": "password", "value": "…"}, as headers and form fields are often listed.
        label = context.get("name", context.get("key"))
        for key, value in context.items():
            # A person named "user" must not change the key user_id.
            name = key if PERSON_KEYS.match(key) else self._short(key, clean, mask)
            while name in shown:
                name += "_"
            if self._is_secret(key, value):
                shown[name] = self._mark(rule_of(key))
            elif key == "value" and isinstance(label, str) and self._is_secret(label, value):
                shown[name] = self._mark(rule_of(label))
            elif mask is not None:
                shown[name] = mask.value(key, value, context, lambda inner: self._value(inner, clean, mask))
            else:
                shown[name] = self._value(value, clean, mask)
        return shown

    def _is_secret(self, name: str, value: Any) -> bool:
        """Whether a value is secret under its name: any value under a secret name, a random one under an ambiguous name."""
        kind = name_kind(name)
        if kind is NameKind.HARMLESS or value is None or isinstance(value, bool):
            return False
        return kind is NameKind.SECRET or (isinstance(value, str) and looks_random(value))

    def _mark(self, rule: str) -> str:
        self.counts[rule] = self.counts.get(rule, 0) + 1
        return mark(rule)

    def _value(self, value: Any, clean: Callable[[str], str], mask: Mask | None) -> Any:
        if isinstance(value, str):
            return self._short(value, clean, mask)
        if isinstance(value, Mapping):
            return self._mapping(value, clean, mask)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, (list, tuple)):
            return self._items(list(value), clean, mask)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, float) and mask is not None and _SNOWFLAKE <= abs(value) < 10**20:
            # An id that passed through a program that stores every number as a float.
            return mask.number(value)
        return self._number(value, mask) if isinstance(value, int) and abs(value) >= _LONG_NUMBER else value

    def _number(self, value: int, mask: Mask | None) -> float | str:
        text = str(value)
        found = self.redact_text(text)
        if found != text:
            return found
        return value if mask is None else mask.number(value)

    def _items(self, items: list[Any], clean: Callable[[str], str], mask: Mask | None) -> list[Any]:
        # ["Authorization", "Bearer …"], one header of a list.
        if len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], (str, int)) and self._is_secret(*items):
            return [clean(items[0]), self._mark(rule_of(items[0]))]
        return [self._value(item, clean, mask) for item in items]


def _remember(known: dict[str, str], texts: Iterable[str]) -> None:
    """Remember short clean texts, such as a logger's name, which occur often."""
    if len(known) >= _MOST_CACHED:
        known.clear()
    known.update((text, text) for text in texts if len(text) <= _MOST_LETTERS)
