"""Masking: replace ids, mentions and names of persons by pseudonyms, which are the same for one person and key. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from ..events.event import Person
from .folded_text import Folded
from .late_patterns import late
from .name_trie import GAP, any_of

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
# The digit comes before its look-behind, so that nothing is tried at other characters. Also as a float, and in groups of digits.
_ID: Final = late(
    r"[0-9](?<![0-9][0-9])(?:[0-9]{14,20}(?![0-9])|\.[0-9]{14,18}e\+?1[6-9](?![0-9])"
    r"|[0-9]{0,2}([,_'. ])[0-9]{3}(?:\1[0-9]{3}){4,5}(?![0-9]))"
)
_LONG_NUMBER: Final = late(r"[0-9](?:[0-9]{14}|e\+?1[6-9]|[0-9]{2}[,_'. ](?:[0-9]{3}[,_'. ]){4})")
# Digits behind a point may be a fraction, but not in 1.2.3 or file.1.json.
_POINT: Final = late(r"(?:\A|[^\w.])[+-]?[0-9]{1,20}\.\Z")
_FRACTION: Final = late(r"[0-9]+(?:e[+-]?[0-9]+)?(?![._-]?\w)")
_GAP: Final = late(GAP)
_SHOWN_USER: Final = late(r"<(?:Member|User) id=([0-9]{15,20})(?= name=)")
_USER_NAME: Final = late(r"""\b(?:name|nick|global_name)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_LONGEST_USER: Final = 400
# Characters between a name and an id of one person, such as " (".
_NEAR: Final = 4
_WORD: Final = late(r"[^\W_]+")
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
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._loose: dict[str, str] = {}
        # The first word of each name: most texts have none of them.
        self._heads: set[str] = set()
        self._others: dict[str, str] = {}
        # Compiled when a text needs it, because most contain no name; another one for texts with escapes.
        self._patterns: dict[bool, re.Pattern[str]] = {}
        for person in persons:
            self._add(person)

    def _add(self, person: Person) -> None:
        number = str(person.id)
        shown = self._ids[number] = pseudonym(self._key, number)
        self._patterns.clear()
        if self._level == MaskLevel.FULL:
            for name in filter(None, map(folded_name, person.names)):
                # Two persons of one name: the text around it says which of them it is.
                known = self._names.get(name, shown)
                both = known if shown in known.split("|") else f"{known}|{shown}"
                self._names[name] = self._loose[_loose(name)] = both
                word = _WORD.search(name)
                self._heads.add(name if word is None else word[0])

    def text(self, text: str) -> str:
        """Return a text with its persons masked."""
        if self._level == MaskLevel.FULL:
            for match in _SHOWN_USER.finditer(text):
                self._add(_shown_user(text, match))
        folded = Folded(text)
        plain = folded.text
        finds: list[tuple[int, int, str]] = []
        if any(head in plain for head in self._heads):
            finds += self._names_in(plain)
        if _LONG_NUMBER.search(plain):
            finds += self._numbers_in(plain)
        if not finds:
            return text
        pieces: list[str] = []
        done = last = 0
        # Of two that overlap the first one, and the longer one.
        finds.sort(key=lambda find: (find[0], -find[1]))
        for number, (start, end, shown) in enumerate(finds):
            if start >= last:
                first, behind = folded.span(start, end)
                pieces += (text[done:first], self._nearest(finds, number) if "|" in shown else shown)
                done, last = behind, end
        return "".join((*pieces, text[done:]))

    def _nearest(self, finds: Sequence[tuple[int, int, str]], number: int) -> str:
        """Return the one of several persons of a name that an id beside it names; else the first."""
        start, end, shown = finds[number]
        said = shown.split("|")
        beside = [(start - finds[number - 1][1], finds[number - 1])] if number else []
        beside += [(other[0] - end, other) for other in finds[number + 1 : number + 2]]
        return next((other[2] for distance, other in sorted(beside) if distance < _NEAR and other[2] in said), said[0])

    def _names_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield begin, end and pseudonym of each name in a folded text."""
        escaped = "\\" in text or "\x1b" in text
        if escaped not in self._patterns:
            # One pattern for all names, so that none is found within another.
            self._patterns[escaped] = re.compile(any_of(self._names, escaped=escaped))
        for match in self._patterns[escaped].finditer(text):
            yield *match.span(), self._named(match[0])

    def _named(self, name: str) -> str:
        # With backslashes before its signs, and with others between its words.
        plain = name.replace("\\", "")
        return self._names.get(name) or self._names.get(plain) or self._loose.get(_loose(name)) or pseudonym(self._key, plain)

    def _numbers_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield begin, end and pseudonym of each id in a folded text; a mention goes as a whole."""
        for match in _ID.finditer(text):
            start, end = match.span()
            if text.startswith(">", end) and (mention := _MENTION.search(text, max(0, start - 3), start)) is not None:
                yield mention.start(), end + 1, self._called(match[0])
            elif (shown := self._shown(match[0], text, start)) is not None:
                yield start, end, shown

    def _shown(self, number: str, text: str, start: int) -> str | None:
        """Return the pseudonym for a number in a text; None when it stays."""
        if number in self._ids:
            return self._ids[number]
        if not number.isdigit():
            if "e" in number:
                return str(self.number(float(number)))
            # Numbers of three digits are often listed, so these are known ids only.
            return self._ids.get(re.sub("[^0-9]", "", number))
        # A number of that length may be a person's id, unless the text before it says otherwise.
        if number == self._guild or not 17 <= len(number) <= 20 or _is_of_other(text, start) or _is_fraction(text, start):
            return None
        return self._called(number)

    def _called(self, number: str) -> str:
        known = self._ids.get(number) or self._others.get(number)
        if known is None:
            known = self._others[number] = pseudonym(self._key, number)
        return known

    def value(self, key: str, value: Any, around: Mapping[str, Any], other: Callable[[Any], Any]) -> Any:
        """Return the masked value of a key of a mapping, `around`; `other` redacts values that are not about a person."""
        if _OTHER_KEYS.search(key) and isinstance(value, (int, str)):
            if str(value) in self._ids:
                return self._ids[str(value)]
            return value if isinstance(value, int) or value.isdigit() else other(value)
        if not PERSON_KEYS.match(key) or value is None or isinstance(value, bool):
            return other(value)
        if isinstance(value, Mapping) and (person := next(persons_of({key: value}), None)) is not None:  # pyright: ignore[reportUnknownArgumentType]
            return self._called(str(person.id))
        text = str(value)  # pyright: ignore[reportUnknownArgumentType]
        if known := self._ids.get(text) or self._names.get(folded_name(text)):
            return self._one_of(known.split("|"), key, around) if "|" in known else known
        if self._level == MaskLevel.IDS and not text.isdigit():
            return other(value)
        # A text may hold more than the person, such as a secret, so it is redacted; anything else becomes one pseudonym.
        return other(value) if isinstance(value, str) and self.text(text) != text else pseudonym(self._key, text)

    def _one_of(self, persons: Sequence[str], key: str, around: Mapping[str, Any]) -> str:
        """Return the one of several persons of a name whose id stands beside the name in a mapping; else the first."""
        found = _NAME_KEY.match(key)
        stem = found["stem"].lower() if found else ""
        ids = [(match["stem"].lower() != stem, str(value)) for name, value in around.items() if (match := _ID_KEY.match(name))]
        return next((shown for _, number in sorted(ids) if (shown := self._ids.get(number, "")) in persons), persons[0])

    def number(self, value: float) -> float | str:
        """Return a number, or a pseudonym when it may be a person's id; a float is that of a known id that it may have been."""
        text = str(int(abs(value)))
        if isinstance(value, float):
            text = next((known for known in self._ids if float(known) == abs(value)), text)
        if text in self._ids:
            return self._ids[text]
        return pseudonym(self._key, text) if int(text) in _SNOWFLAKES and text != self._guild else value


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


def _is_fraction(text: str, start: int) -> bool:
    """Whether digits are the fraction of a decimal number."""
    if text[start - 1 : start] != "." or _POINT.search(text[max(start - 23, 0) : start]) is None:
        return False
    return _FRACTION.match(text, start) is not None


@lru_cache(maxsize=4096)
def folded_name(name: str) -> str:
    """Return a name as it is searched in folded texts."""
    return " ".join(Folded(name).text.split())


def _loose(name: str) -> str:
    return _GAP.sub(" ", name).replace("\\", "")


def _shown_user(text: str, match: re.Match[str]) -> Person:
    """Return the person that a text shows as discord.py prints users and members."""
    rest = text[match.end() : match.end() + _LONGEST_USER].partition(" guild=")[0]
    return Person(int(match[1]), tuple(name[1:-1] for name in _USER_NAME.findall(rest)))


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
