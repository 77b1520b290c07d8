"""Masking: replace ids, mentions and names of persons by pseudonyms, which are the same for one person and key. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus

from ..events.event import Person
from .late_patterns import late
from .name_trie import any_of
from .value_forms import escape_html

_ROLES: Final = r"(?:member|user|author|moderator|owner|inviter|target|creator|sender|recipient|admin|actor|executor|invoker)"
PERSON_KEYS: Final = late(
    rf"(?:{_ROLES}(?:_?id|_?name|_?tag)?|username|display_?name|global_?name|nick|nickname|invited_by|banned_by|kicked_by)\Z",
    re.I,
)
_ID_KEY: Final = late(rf"(?P<stem>{_ROLES}?)_?id\Z", re.I)
_NAME_KEY: Final = late(rf"(?P<stem>{_ROLES}?)_?(?:name|tag|display_?name|global_?name|nick(?:name)?)?\Z", re.I)
# Ids of other things say nothing about a person and are kept, so that a reader can look them up. A word that is a verb too,
# such as "message", needs a sign behind it.
_THINGS: Final = "guild|server|channel|role|shard|emoji|thread|category"
_BEFORE_OTHER: Final = late(
    r"(?:<#|<@&|<a?:\w{1,40}:|</[^:<>\n]{1,100}:|/channels/(?:[\d@a-z]{1,40}/){0,2}"
    rf"|(?:{_THINGS})s?(?:[ _-]?id)?['\"]?[ =:#(]{{1,4}}"
    r"|(?:message|application|command|webhook|interaction|attachment|sticker)s?"
    r"(?:[ _-]?id['\"]?[ =:#(]|['\"]?[=:#])[ '\"(]{0,3})\Z"
)
_THING: Final = late(rf"(?:{_THINGS}|message|application|command|webhook|interaction|attachment|sticker)s?(?:[ _-]?id)?\Z")
_FURTHEST_BEFORE: Final = 110
_MENTION: Final = late(r"<@!?\Z")
# The digit comes before its look-behinds, so that nothing is tried at other characters.
_ID: Final = late(r"[0-9](?<![0-9][0-9])(?<![0-9][.,][0-9])[0-9]{14,20}(?![0-9])")
_LONG_NUMBER: Final = late(r"[0-9]{15}")
_OTHER_KEYS: Final = late(
    rf"(?:{_THINGS}|message|application|command|webhook|interaction|attachment|sticker)s?_?(?:id)?s?\Z", re.I
)
_SNOWFLAKES: Final = range(10**16, 10**20)


class MaskLevel(StrEnum):
    """How much about a person is masked: nothing, ids and mentions, or names too."""

    OFF = "off"
    IDS = "ids"
    FULL = "full"


class Mask:
    """Mask the persons of one event in its texts. Pseudonyms cannot be computed without `key`."""

    def __init__(self, level: MaskLevel, key: bytes, persons: Iterable[Person], guild_id: int | None) -> None:
        self._level = level
        self._key = key
        self._guild = str(guild_id)
        self._spellings: set[str] = set()
        self._others: dict[str, str] = {}
        self._names = self._pseudonyms(persons)
        # Compiled when a text needs it, because most contain no name.
        self._pattern: re.Pattern[str] | None = None

    def text(self, text: str) -> str:
        """Return a text with its persons masked."""
        lower = text.lower()
        has_names = any(name in lower for name in self._spellings)
        if not has_names and not _LONG_NUMBER.search(text):
            return text
        if len(lower) != len(text):
            # A letter whose lower case has two characters: positions would differ between the texts.
            lower = text
        pieces: list[str] = []
        done = 0
        for match in _ID.finditer(lower):
            start, end = match.span()
            shown, back = self._number_in(lower, start, end)
            pieces += (self._without_names(text[done : start - back], lower[done : start - back], has_names), shown)
            done = end + (1 if back else 0)
        pieces.append(self._without_names(text[done:], lower[done:], has_names))
        return "".join(pieces)

    def _number_in(self, text: str, start: int, end: int) -> tuple[str, int]:
        """Return the text to show for a number, and how many characters before it are replaced too, as in a mention."""
        number = text[start:end]
        if text.startswith(">", end) and (mention := _MENTION.search(text, max(0, start - 3), start)) is not None:
            return self._called(number), start - mention.start()
        if number in self._names:
            return self._names[number], 0
        # A number of that length may be a person's id, unless the text before it says otherwise.
        if number == self._guild or not 17 <= end - start <= 20 or _is_of_other(text, start):
            return number, 0
        return self._called(number), 0

    def _without_names(self, text: str, lower: str, has_names: bool) -> str:
        if not has_names or not text:
            return text
        if self._pattern is None:
            # One pattern for all names, so that none is found within the pseudonym of another.
            self._pattern = re.compile(any_of(self._spellings))
        pieces: list[str] = []
        done = 0
        for match in self._pattern.finditer(lower):
            pieces += (text[done : match.start()], self._names.get(match[0].lower(), match[0]))
            done = match.end()
        return "".join((*pieces, text[done:])) if pieces else text

    def _called(self, number: str) -> str:
        known = self._names.get(number) or self._others.get(number)
        if known is None:
            known = self._others[number] = pseudonym(self._key, number)
        return known

    def value(self, key: str, value: Any, other: Callable[[Any], Any]) -> Any:
        """Return the masked value of a context key; `other` redacts values that are not about a person."""
        if _OTHER_KEYS.search(key) and isinstance(value, (int, str)):
            if str(value) in self._names:
                return self._names[str(value)]
            return value if isinstance(value, int) or value.isdigit() else other(value)
        if not PERSON_KEYS.match(key) or value is None or isinstance(value, bool):
            return other(value)
        if isinstance(value, Mapping) and (person := next(persons_of({key: value}), None)) is not None:  # pyright: ignore[reportUnknownArgumentType]
            return self._called(str(person.id))
        text = str(value)  # pyright: ignore[reportUnknownArgumentType]
        if text.lower() in self._names:
            return self._names[text.lower()]
        if self._level == MaskLevel.IDS and not text.isdigit():
            return other(value)
        # A text may hold more than the person, such as a secret, so it is redacted; anything else becomes one pseudonym.
        return other(value) if isinstance(value, str) and self.text(text) != text else pseudonym(self._key, text)

    def number(self, value: int) -> int | str:
        """Return a number, or a pseudonym when it may be a person's id."""
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


def _is_of_other(text: str, start: int) -> bool:
    """Whether the text before an id says that it belongs to something other than a person."""
    last = text[start - 1 : start]
    if last in ("#", "&", ":", "/"):
        return _BEFORE_OTHER.search(text[max(0, start - _FURTHEST_BEFORE) : start]) is not None
    if last not in (" ", "=", "(", '"', "'"):
        return False
    # The word alone is checked first, which is cheaper.
    before = text[max(0, start - 40) : start]
    return _THING.search(before.rstrip(" =:#('\"")[-16:]) is not None and _BEFORE_OTHER.search(before) is not None


@lru_cache(maxsize=256)
def _spellings(name: str) -> frozenset[str]:
    """Return the spellings of a name: composed or not, escaped for JSON, Python, HTML and URLs."""
    if name.isascii() and name.isalnum():
        return frozenset({name})
    found: set[str] = set()
    # A letter beyond ASCII has other escapes in upper case.
    cases = {name} if name.isascii() else {name, name.upper(), name.lower(), name.title()}
    for form in {
        form for case in cases for form in (case, unicodedata.normalize("NFC", case), unicodedata.normalize("NFD", case))
    }:
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
        found |= set(_as_entities(form))
        # As in file names and URLs.
        found |= {form.replace(" ", sign) for sign in "_-\u00a0"}
        found |= {quote(raw, safe=""), quote(raw), quote_plus(raw), form.replace(" ", "+"), escape_html(form), repr(raw)[2:-1]}
    return frozenset(form for form in found if form.strip())


def _as_entities(name: str) -> Iterator[str]:
    """Yield a name in HTML with entities for letters beyond ASCII, by name and by number."""
    if not name.isascii():
        # Imported here, because it takes a third of a megabyte and is needed only for masking.
        from html.entities import codepoint2name

        yield "".join(f"&{codepoint2name[ord(char)]};" if ord(char) in codepoint2name else char for char in name)
        yield name.encode("ascii", "xmlcharrefreplace").decode()
        yield "".join(char if char.isascii() else f"&#x{ord(char):x};" for char in name)
        yield "".join(
            char if char.isascii() else f"&{codepoint2name[ord(char)]};" if ord(char) in codepoint2name else f"&#{ord(char)};"
            for char in name
        )


def persons_of(context: Mapping[str, Any]) -> Iterator[Person]:
    """Yield the persons whose id and name are in one mapping, so that both get the same pseudonym."""
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
            # {"id": …, "name": …} may belong to anything.
            continue
        yield Person(identity, tuple(called))


def pseudonym(key: bytes, identity: str) -> str:
    """Return the pseudonym of a person: 24 bits, so that among a thousand members two share one with 3 % probability."""
    return f"user-{hashlib.blake2b(identity.encode('utf-8', 'replace'), key=key, digest_size=3).hexdigest()}"
