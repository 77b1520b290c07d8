"""Secret strings: read a quoted string in any quotes, and judge whether the value of a name looks like a secret. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from .key_names import NameKind, looks_random
from .late_patterns import late

Span = tuple[int, int]


class Label(NamedTuple):
    """The name before a value: its text and begin, the begin of the value (`at`), and what joins them."""

    name: str
    begin: int
    at: int
    kind: NameKind
    joint: str
    below: int
    """The end of the joint's line when the value is below it, else -1."""


OPENING: Final = late(
    rb"(?:[bBrRuUfF]{1,2}|[@$])?(?P<q>\"\"\"|'''|\\{0,40}+[\"'`]|%(?:25){0,3}2[27]|&(?:amp;){0,2}(?:quot|apos|#0?3[49]|#x2[27]);"
    rb"|\\{1,40}+(?:u002|x2)[27]|\xe2\x80[\x98-\x9f]|\xc2[\xab\xbb])"
)
QUOTES: Final = late(rb"(\\*+)([\"'`])")
_CLOSING: Final = {
    b"\xe2\x80\x9c": b"\xe2\x80\x9d",
    b"\xe2\x80\x9e": b"\xe2\x80\x9c",
    b"\xe2\x80\x98": b"\xe2\x80\x99",
    b"\xc2\xab": b"\xc2\xbb",
}
# An odd number of backslashes before a quote that HTML or URLs escape.
_ESCAPED: Final = late(rb"(?:(?<!\\)\\(?:\\\\)*|(?<!%5C)%5C(?:%5C%5C)*|(?<!%255C)%255C(?:%255C%255C)*)\Z")
# What follows a quote that ends a string.
_AFTER: Final = late(rb"[,}\])\s:;\"'`\\>/]|\Z")
PASSWORDS: Final = late(
    "pass|pw|psk|kennwort|wachtwoord|senha|contrase|parol|has[lł]o|lösenord|salasana|heslo|[sş]ifre|парол|비번|비밀번호|密[码碼]|口令|パスワード|كلمة",
    re.I,
)
LINE: Final = late(rb"(?>[^\r\n\\%&]++|\\(?!\\*[nr]|\\*u000)|%(?!(?:25)*0[aAdD])|&(?!#1[03];))++")
PROSAIC: Final = late(
    rb"[\d.,:%/x-]+[A-Za-z]{0,8}|[A-Za-z]+(?:_[A-Za-z]+)*|(?i:base64|base32|utf-?8|sha\d+|md5|oauth2?"
    rb"|http[s2]?(?:/\d(?:\.\d)?)?|latin-?1|iso-?8859-\d{1,2}|cp\d{3,4}|h256|rs256|es256|v\d)|[\w.-]+\([\w\s.,'\"=*]*\)?[.,;:]?"
    rb"|\*{1,2}[A-Za-z]+\*{1,2}|#?\d+(?:/\d+)?|[A-Za-z]{1,3}=\S{0,3}",
)


def read_string(data: bytes, opening: re.Match[bytes]) -> tuple[int, bytes]:
    """Return the end of a string, and its content. Without a closing quote it ends with the line."""
    quote, start = opening["q"], opening.end()
    if quote[-1:] not in b"\"'`" or len(quote.lstrip(b"\\")) == 3:
        quote = _CLOSING.get(quote, quote)
        end = data.find(quote, start)
        while end >= 0 and _ESCAPED.search(data, start, end) is not None:
            end = data.find(quote, end + 1)
        if end >= 0:
            return end + len(quote), data[start:end]
        line = LINE.match(data, start)
        return (line.end(), line[0]) if line is not None else (start, b"")
    depth, char = len(quote) - 1, quote[-1:]
    stop = data.find(b"\n", start)
    stop = len(data) if stop < 0 else stop
    for found in QUOTES.finditer(data, start, stop):
        slashes = len(found[1])
        # The closing quote has as many backslashes as the opening one; one with fewer ends a string around this one.
        is_closing = slashes == depth or (slashes % 2 == 0 and (slashes < depth or depth == 0))
        # JSON in a `repr` has two backslashes before a quote within the string.
        if found[2] == char and is_closing and (depth or not slashes or _AFTER.match(data, found.end())):
            return found.end(), data[start : found.start() if depth else found.start(2)]
    return stop, data[start:stop]


def looks_secret(text: str, label: Label) -> bool:
    """Whether a value in a sentence or a table looks like a secret."""
    if "/" in text and text.islower():
        # The path of a file.
        return False
    if looks_random(text):
        return True
    if label.joint == "path":
        return False
    return is_mixed(text) and PASSWORDS.search(label.name) is not None and not PROSAIC.fullmatch(text.encode())


def is_mixed(text: str) -> bool:
    return len(text) >= 6 and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


# Names of kinds of tokens in source code of parsers; and pictures, letters of keys and numbers, which are too short for a secret.
_KIND_OF_TOKEN: Final = late(rb"[A-Z][a-z]{2,14}(?:\.[A-Z][A-Za-z]+)*|[A-Z]{2,16}(?:_[A-Z]+)*")
_TOO_SHORT: Final = late(rb"[^\w\s]{1,4}|[\x80-\xff]{1,8}|\w")


def is_secret(inner: bytes, label: Label) -> bool:
    """Whether a value is secret: any value of a secret name, a random one of an ambiguous name."""
    if label.kind is NameKind.SECRET and PASSWORDS.search(label.name) is None:
        is_kind = "token" in label.name.lower() and _KIND_OF_TOKEN.fullmatch(inner) is not None
        return not is_kind and _TOO_SHORT.fullmatch(inner) is None
    return label.kind is NameKind.SECRET or looks_random(inner.decode("utf-8", "replace").strip())
