"""Signs: words and marks of which every secret has one, and where they stand in a text. Pure.

A text is searched once for the signs of all rules. Then only the rules are asked of which a sign is there, and they try their
patterns near it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import merge
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeVar

_T = TypeVar("_T")

# A sign is found by one of these letters, the first of them that it has. They are the set for which the fewest letters of usual
# texts, and of random ones, have to be looked at.
_ANCHORS: Final = b"$@\\#j(<kbvghcp:fs"
# A sign is rather found by another letter than its last, because what follows is compared first.
_END: Final = 3
# A pattern that is tried at a position costs as much as one that goes over this many letters.
_LETTERS_PER_TRY: Final = 8


def _rank(letter: int) -> int:
    at = _ANCHORS.find(letter)
    return at if at >= 0 else len(_ANCHORS)


def positions(data: bytes, sign: bytes) -> Iterator[int]:
    """Yield the positions of a sign."""
    at = data.find(sign)
    while at >= 0:
        yield at
        at = data.find(sign, at + 1)


class Found(NamedTuple):
    """The bytes from `start` to `end` are secret; `rule` says which rule found them."""

    start: int
    end: int
    rule: str


class SignRule(NamedTuple):
    """A search for secrets of which each has one of some words, in lower case. It gets the text and its signs."""

    words: tuple[str, ...]
    find: Callable[[bytes, Signs], Iterator[Found]]


def rule_near(
    pattern: re.Pattern[bytes],
    words: tuple[str, ...],
    back: int,
    read: Callable[[Iterable[re.Match[bytes]]], Iterator[Found]],
) -> SignRule:
    """Return the rule of a pattern that has one of the words at most `back` bytes after its begin; `read` judges its matches."""

    def find(data: bytes, signs: Signs) -> Iterator[Found]:
        return read(signs.matches(pattern, data, words, back))

    return SignRule(words, find)


class Signs:
    """Where the signs stand in a text in lower case."""

    def __init__(self, lower: bytes, search: SignSearch, known: Mapping[bytes, Sequence[int]]) -> None:
        self.lower = lower
        self._search, self._known = search, known

    def __contains__(self, word: str) -> bool:
        sign, _ = self._search.sign_of(word)
        if not sign:
            return word.encode() in self.lower
        return sign in self._known and (sign == word.encode() or bool(self._positions(word)))

    def of(self, rules: Sequence[tuple[Sequence[str], _T]]) -> list[_T]:
        """Return what the words in the text stand for, given pairs of words that contain signs and of anything."""
        index, lower, numbers = self._search.index(rules), self.lower, set[int]()
        for sign, places in self._known.items():
            for number, word, back in index.get(sign, ()):
                if number not in numbers and (not word or _is_at(places, back, word, lower)):
                    numbers.add(number)
        return [rules[number][1] for number in sorted(numbers)]

    def positions(self, words: Iterable[str]) -> list[int]:
        """Return the sorted positions of words, most of which are signs or contain one."""
        found = [self._positions(word) for word in words]
        return list(found[0] if len(found) == 1 else merge(*found))

    def _positions(self, word: str) -> Sequence[int]:
        (sign, back), code = self._search.sign_of(word), word.encode()
        if not sign:
            return list(positions(self.lower, code))
        known = self._known.get(sign, ())
        if sign == code:
            return known
        return [at - back for at in known if at >= back and self.lower.startswith(code, at - back)]

    def ends(self, words: Iterable[str]) -> list[int]:
        """Return the sorted ends of words, each once."""
        return sorted({at + len(word) for word in words for at in self._positions(word)})

    def matches(self, pattern: re.Pattern[bytes], data: bytes, words: Sequence[str], back: int = 0) -> Iterator[re.Match[bytes]]:
        """Return the matches of a pattern, given that each has one of the words at most `back` bytes after its begin.

        `data` is the text or its lower-case form.
        """
        places = self.positions(words)
        if len(places) * (back + 1) * _LETTERS_PER_TRY > len(data):
            return pattern.finditer(data)
        return _matches_at(places, back, pattern, data)

    def moved(self, lower: bytes, spans: Sequence[tuple[int, int]], sizes: Sequence[int]) -> Signs:
        """Return the signs of the text in which sorted parts were replaced by others of these sizes."""
        begins = [*(start for start, _ in spans), len(self.lower)]
        shifts = [0, *accumulate(size - (end - start) for (start, end), size in zip(spans, sizes, strict=True))]

        def shifted(sign: bytes, places: Sequence[int]) -> Iterator[int]:
            for place in places:
                number = bisect_right(begins, place)
                # Not within the part before it, and not into the part behind it.
                if (not number or place >= spans[number - 1][1]) and place + len(sign) <= begins[number]:
                    yield place + shifts[number]

        moved = {sign: list(shifted(sign, places)) for sign, places in self._known.items()}
        return Signs(lower, self._search, {sign: places for sign, places in moved.items() if places})


class SignSearch:
    """Finds signs in texts. Making it takes milliseconds."""

    def __init__(self, signs: Iterable[bytes]) -> None:
        known = sorted({*signs}, key=len)
        # A word that contains a sign is found by it.
        self._signs = [sign for number, sign in enumerate(known) if not any(other in sign for other in known[:number])]
        # With the position of its anchor.
        self._anchored: defaultdict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
        rests: defaultdict[bytes, defaultdict[bytes, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        for sign in self._signs:
            at = min(range(len(sign)), key=lambda at: _rank(sign[at]) + _END * (at == len(sign) - 1))
            self._anchored[sign[at : at + 1]].append((sign, at))
            behind = b"(?<=%b)" % re.escape(sign) if at else b""
            rests[sign[at : at + 1]][sign[at + 1 : at + 2]].append(re.escape(sign[at + 2 :]) + behind)
        # Only the anchor is consumed, so that signs that overlap are both found.
        self._pattern = re.compile(
            b"|".join(
                b"%b(?=%b)"
                % (re.escape(anchor), b"|".join(b"%b(?:%b)" % (re.escape(first), b"|".join(rest)) for first, rest in parts))
                for anchor, parts in sorted((anchor, sorted(parts.items())) for anchor, parts in rests.items())
            )
        )
        self.sign_of = lru_cache(1024)(self._sign_of)
        self._signs_near = lru_cache(4096)(self._may_be_near)
        self._indexes: dict[int, Mapping[bytes, Sequence[tuple[int, bytes, int]]]] = {}

    def may_be_in(self, lower: bytes) -> bool:
        """Whether a text in lower case has a sign."""
        return self._pattern.search(lower) is not None

    def signs(self, lower: bytes) -> Signs:
        """Return the signs of a text in lower case."""
        known: defaultdict[bytes, list[int]] = defaultdict(list)
        near = self._signs_near
        for match in self._pattern.finditer(lower):
            at = match.start()
            for sign, back in near(lower[at - 1 : at + 2] if at else b" " + lower[:2]):
                if lower.startswith(sign, at - back):
                    known[sign].append(at - back)
        return Signs(lower, self, known)

    def index(self, rules: Sequence[tuple[Sequence[str], Any]]) -> Mapping[bytes, Sequence[tuple[int, bytes, int]]]:
        """Return which rules a sign stands for, by number; with a longer word that contains it, and its position there.

        `rules` must live as long as the search.
        """
        found = self._indexes.get(id(rules))
        if found is None:
            words: defaultdict[bytes, list[tuple[int, bytes, int]]] = defaultdict(list)
            for number, (each, _) in enumerate(rules):
                for word in each:
                    sign, back = self.sign_of(word)
                    code = word.encode()
                    words[sign].append((number, b"" if code == sign else code, back))
            found = self._indexes[id(rules)] = dict(words)
        return found

    def _may_be_near(self, letters: bytes) -> list[tuple[bytes, int]]:
        """Return the signs whose anchor may be the second of three letters."""
        return [
            (sign, at)
            for sign, at in self._anchored[letters[1:2]]
            if letters.startswith(sign[at : at + 2], 1) and (not at or letters.startswith(sign[at - 1 : at]))
        ]

    def _sign_of(self, word: str) -> tuple[bytes, int]:
        """Return a sign that is in a word, and its position there; an empty one when there is none."""
        code = word.encode()
        sign = next((sign for sign in self._signs if sign in code), b"")
        return sign, code.find(sign)


def _is_at(places: Iterable[int], back: int, word: bytes, lower: bytes) -> bool:
    return any(at >= back and lower.startswith(word, at - back) for at in places)


def _matches_at(places: Iterable[int], back: int, pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    at = 0
    for place in places:
        at = max(at, place - back)
        while at <= place:
            if (match := pattern.match(data, at)) is None:
                at += 1
            else:
                yield match
                at = max(match.end(), at + 1)
