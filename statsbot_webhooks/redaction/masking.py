"""Persons behind pseudonyms: ids, mentions and names, the same person the same name for one key. Pure."""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote, quote_plus

from ..events.event import Person
from .name_trie import any_of

_ROLES: Final = r"(?:member|user|author|moderator|owner|inviter|target|creator|sender|recipient|admin|actor|executor|invoker)"
PERSON_KEYS: Final = re.compile(
    rf"(?:{_ROLES}(?:_?id|_?name|_?tag)?|username|display_?name|global_?name|nick|nickname|invited_by|banned_by|kicked_by)\Z",
    re.I,
)
_ID_KEY: Final = re.compile(rf"(?P<stem>{_ROLES}?)_?id\Z", re.I)
_NAME_KEY: Final = re.compile(rf"(?P<stem>{_ROLES}?)_?(?:name|tag|display_?name|global_?name|nick(?:name)?)?\Z", re.I)
# Ids of other things, which say nothing of a person: kept, so that a reader can look them up. A word that is a verb too, such as
# "message", needs a sign behind it.
_THINGS: Final = "guild|server|channel|role|shard|emoji|thread|category"
_OTHER: Final = (
    r"<#(?P<c>\d{15,21})>|<@&(?P<r>\d{15,21})>|<a?:\w{1,40}:(?P<e>\d{15,21})>|</[^:<>\n]{1,100}:(?P<s>\d{15,21})>|/channels/(?P<l>[\d/@a-z]{1,70})"
    rf"|(?i:{_THINGS})s?(?:[ _-]?id)?['\"]?[ =:#(]{{1,4}}(?P<t>\d{{15,21}})(?!\d)"
    r"|(?i:message|application|command|webhook|interaction|attachment|sticker)s?"
    r"(?:[ _-]?id['\"]?[ =:#(]|['\"]?[=:#])[ '\"(]{0,3}(?P<m>\d{15,21})(?!\d)"
)
_MENTION: Final = r"<@!?(?P<mention>\d{15,20})>"
_BARE: Final = r"(?<!\d)(?<!\d[.,])(?P<bare>\d{17,20})(?!\d)"
_LONG_NUMBER: Final = re.compile(r"\d{15}")
_ID: Final = re.compile(r"(?<!\d)\d{15,21}(?!\d)")
_OTHER_KEYS: Final = re.compile(
    rf"(?:{_THINGS}|message|application|command|webhook|interaction|attachment|sticker)s?_?(?:id)?s?\Z", re.I
)
_SNOWFLAKES: Final = range(10**16, 10**20)


class MaskLevel(StrEnum):
    """How much of a person is hidden: nothing, ids and mentions, or names too."""

    OFF = "off"
    IDS = "ids"
    FULL = "full"


class Mask:
    """What hides the persons of one event in its texts. `key` makes the pseudonyms: without it nobody can compute them."""

    def __init__(self, level: MaskLevel, key: bytes, persons: Iterable[Person], guild_id: int | None) -> None:
        self._level = level
        self._key = key
        self._guild = str(guild_id)
        self._spellings: set[str] = set()
        self._names = self._pseudonyms(persons)
        # Compiled when a text needs it: most have neither a name nor a long number.
        self._pattern: re.Pattern[str] | None = None

    def _compile(self) -> re.Pattern[str]:
        # One pass: a name must not be found within the pseudonym of another.
        names = any_of(self._spellings)
        return re.compile("|".join([_OTHER, _MENTION, *([names] if names else []), _BARE]))

    def text(self, text: str) -> str:
        """Return a text without its persons."""
        lower = text.lower()
        if not _LONG_NUMBER.search(text) and not any(name in lower for name in self._names):
            return text
        if self._pattern is None:
            self._pattern = self._compile()
        if len(lower) != len(text):
            # A letter whose small form is two: the text is read as it is.
            return self._pattern.sub(lambda match: self._replace(match, match[0]), text)
        pieces: list[str] = []
        done = 0
        for match in self._pattern.finditer(lower):
            pieces += (text[done : match.start()], self._replace(match, text[match.start() : match.end()]))
            done = match.end()
        return "".join((*pieces, text[done:]))

    def _replace(self, match: re.Match[str], found: str) -> str:
        if number := match["mention"] or match["bare"]:
            # A number that nobody named may be a person's or not; both read the same everywhere.
            return found if number == self._guild else self._called(number)
        if match.lastgroup is None:
            return self._names.get(found.lower(), found)
        # The id of another thing, unless it is a person's.
        return _ID.sub(lambda inner: self._names.get(inner[0], inner[0]), found)

    def _called(self, number: str) -> str:
        return self._names.get(number) or pseudonym(self._key, number)

    def value(self, key: str, value: Any, other: Callable[[Any], Any]) -> Any:
        """Return what a context key may show; `other` cleans what is not about a person."""
        if _OTHER_KEYS.search(key) and isinstance(value, (int, str)):
            if str(value) in self._names:
                return self._names[str(value)]
            return value if isinstance(value, int) or value.isdigit() else other(value)
        if not PERSON_KEYS.match(key) or value is None or isinstance(value, bool):
            return other(value)
        text = str(value)
        if text.lower() in self._names:
            return self._names[text.lower()]
        if self._level == MaskLevel.IDS and not text.isdigit():
            return other(value)
        cleaned = self.text(text)
        # A mapping may hold more of the person than was found in it.
        return cleaned if isinstance(value, str) and cleaned != text else pseudonym(self._key, text)

    def number(self, value: int) -> int | str:
        """Return a number, or the pseudonym when it may be a person's id."""
        text = str(value)
        if text in self._names:
            return self._names[text]
        return pseudonym(self._key, text) if value in _SNOWFLAKES and text != self._guild else value

    def _pseudonyms(self, persons: Iterable[Person]) -> Mapping[str, str]:
        names: dict[str, str] = {}
        for person in persons:
            name = names[str(person.id)] = pseudonym(self._key, str(person.id))
            if self._level == MaskLevel.FULL:
                for spelling in {spelling for called in person.names if called.strip() for spelling in _spellings(called)}:
                    names[spelling.lower()] = name
                    self._spellings |= {spelling, spelling.lower()}
        return names


def _spellings(name: str) -> set[str]:
    """Return how writers put a name: composed or not, escaped for JSON, Python, HTML and addresses."""
    if name.isascii() and name.isalnum():
        return {name}
    found: set[str] = set()
    for form in {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}:
        dumped = json.dumps(form)[1:-1]
        found |= {
            form,
            dumped,
            json.dumps(dumped)[1:-1],
            json.dumps(form, ensure_ascii=False)[1:-1],
            repr(form)[1:-1],
            ascii(form)[1:-1],
        }
        raw = form.encode("utf-8", "replace")
        found |= {quote(raw, safe=""), quote(raw), quote_plus(raw), html.escape(form), repr(raw)[2:-1]}
    return {form for form in found if form.strip()}


def persons_of(context: Mapping[str, Any]) -> Iterator[Person]:
    """Yield the persons whose id and name stand side by side in a mapping, so that both become one pseudonym."""
    ids: dict[str, int] = {}
    names: dict[str, list[str]] = {}
    for key, value in context.items():
        if isinstance(value, Mapping):
            yield from persons_of(value)  # pyright: ignore[reportUnknownArgumentType]
        elif (found := _ID_KEY.match(key)) and str(value).isdigit() and int(value) in _SNOWFLAKES:
            ids[found["stem"].lower()] = int(value)
        elif isinstance(value, str) and (found := _NAME_KEY.match(key)) and key and value.strip() and not value.isdigit():
            names.setdefault(found["stem"].lower(), []).append(value)
    for stem, identity in ids.items():
        called = names.get(stem, []) + (names.get("", []) if len(ids) == 1 else [])
        if stem == "" and not {"username", "display_name", "global_name", "nick", "nickname"}.intersection(
            map(str.lower, context)
        ):
            # {"id": …, "name": …} may be anything's.
            continue
        yield Person(identity, tuple(called))


def pseudonym(key: bytes, identity: str) -> str:
    """Return the name of a person; 24 bits, so that two of a thousand members share one with 3 percent."""
    return f"user-{hashlib.blake2b(identity.encode('utf-8', 'replace'), key=key, digest_size=3).hexdigest()}"
