"""Persons behind pseudonyms: ids, mentions and names, the same person the same name for one key. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from ..events.event import Person
from .name_trie import any_of

PERSON_KEYS: Final = re.compile(
    r"(?:(?:member|user|author|moderator|owner|inviter|target)(?:_id|_name)?|username|display_name|global_name|nick|nickname|invited_by)\Z",
    re.I,
)
# Ids of other things, which say nothing of a person: kept, so that a reader can look them up.
_OTHER: Final = (
    r"<#\d{15,21}>|<@&\d{15,21}>|<a?:\w{1,40}:\d{15,21}>|</[^:<>\n]{1,100}:\d{15,21}>|/channels/[\d/@a-z]{1,70}"
    r"|(?i:guild|server|channel|message|role|shard|emoji|thread|application|command|webhook|interaction|attachment|sticker)s?"
    r"(?:[ _-]?id)?['\"]?[ =:#(]{1,4}\d{15,21}(?!\d)"
)
_MENTION: Final = r"<@!?(\d{15,21})>"
_BARE: Final = r"(?<![\w.])(\d{17,20})(?![\w])"
_LONG_NUMBER: Final = re.compile(r"\d{15}")
_OTHER_KEYS: Final = re.compile(
    r"(?:guild|server|channel|message|role|shard|emoji|thread|application|command|webhook|interaction)s?_?(?:id)?s?\Z", re.I
)


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
        self._names = self._pseudonyms(persons)
        # Compiled when a text needs it: most have neither a name nor a long number.
        self._pattern: re.Pattern[str] | None = None

    def _compile(self) -> re.Pattern[str]:
        # One pass: a name must not be found within the pseudonym of another.
        names = any_of(self._names)
        return re.compile("|".join([_OTHER, _MENTION, *([names] if names else []), _BARE]))

    def text(self, text: str) -> str:
        """Return a text without its persons."""
        if not _LONG_NUMBER.search(text) and not any(name in text for name in self._names):
            return text
        if self._pattern is None:
            self._pattern = self._compile()
        return self._pattern.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        found = match[0]
        if match[1] or match[2]:
            number = match[1] or match[2]
            if number in self._names:
                return self._names[number]
            # A number that nobody named may be a person's or not; both read the same everywhere.
            return found if found == self._guild else pseudonym(self._key, number)
        return self._names.get(found, found)

    def value(self, key: str, value: Any, other: Callable[[Any], Any]) -> Any:
        """Return what a context key may show; `other` cleans what is not about a person."""
        if _OTHER_KEYS.search(key) and isinstance(value, (int, str)):
            return value if isinstance(value, int) or value.isdigit() else other(value)
        if not PERSON_KEYS.match(key) or value is None or isinstance(value, bool):
            return other(value)
        text = str(value)
        if text in self._names:
            return self._names[text]
        if self._level == MaskLevel.IDS and not text.isdigit():
            return other(value)
        cleaned = self.text(text)
        # A mapping may hold more of the person than was found in it.
        return cleaned if isinstance(value, str) and cleaned != text else pseudonym(self._key, text)

    def number(self, value: int) -> int | str:
        """Return a number, or the pseudonym when it is a person's id."""
        text = str(value)
        return self._names.get(text, value)

    def _pseudonyms(self, persons: Iterable[Person]) -> Mapping[str, str]:
        names: dict[str, str] = {}
        for person in persons:
            name = names[str(person.id)] = pseudonym(self._key, str(person.id))
            if self._level == MaskLevel.FULL:
                names.update({called: name for called in person.names if called.strip()})
        return names


def pseudonym(key: bytes, identity: str) -> str:
    """Return the name of a person; 24 bits, so that two of a thousand members share one with 3 percent."""
    return f"user-{hashlib.blake2b(identity.encode('utf-8', 'replace'), key=key, digest_size=3).hexdigest()}"
