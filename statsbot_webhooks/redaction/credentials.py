"""Credentials: secrets known by the form around them, such as a password in a URL, a bearer token, a key, a card. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from .key_names import looks_random
from .late_patterns import late
from .signs import Found, SignRule, Signs, positions, rule_near
from .token_patterns import passes_luhn

# The slashes and the at sign, also as JSON and URLs escape them.
_SLASHES: Final = rb"(?:(?:\\{0,8}/){2}|(?:%(?:25){0,3}2[Ff]){2}|(?:\\{1,8}u002[Ff]){2}|(?:&#(?:47|x2[fF]);){2})"
_AT: Final = rb"(?:@|%(?:25){0,3}40|\\{1,8}u0040|&#(?:64|x40);)"
_REST_OF_USERINFO: Final = (
    # A token in place of the user, with a password behind it; or a user and a password.
    rb"(?!://)(?:(?P<user>[\w.~+-]{16,400}+):(?P<its>[^\s/@:]{0,40})@(?=[\w\[])|(?>[^\s/@:\"'<>\\%]|%(?!3[Aa])){0,200}+(?:@[\w.-]{1,100}+)?(?::|%3[Aa])(?!\d{1,5}(?:[/?#\s\"'|,)]|;(?![^\s@]{1,80}@)|\Z))"
    rb"(?P<after>(?:[^\s\"'<>:]|:(?!//)|>(?=\S)|<(?![/!]|[a-z]{1,10}[ />])){1,300})" + _AT + rb"(?=[\w\[/%])"
    # A token alone in place of the user.
    rb"|(?P<alone>[^\s/@:\"'<>\\?#]{16,400}+)@(?=[\w\[]))"
)
_USERINFO: Final = late(b"://" + _REST_OF_USERINFO)
_ESCAPED_USERINFO: Final = late(b"(?::|%(?:25){0,3}3[Aa])" + _SLASHES + _REST_OF_USERINFO)
# For texts in lower case, because a search for one letter is faster than for either case.
_BEARER: Final = late(
    rb"b(?<![a-z0-9-]b)(?:earer|asic)(?:\s{1,5}|%20|\+)(?P<token>(?!\d{1,3}\.\d)(?=[\w.~+/=%-]{12})(?=[a-z~+/=.%-]{0,60}[\d_])(?![a-z_]{2,20}=\w)[\w.~+/=%-]++)"
)
_PEM: Final = late(
    rb"----[- ]BEGIN(?: |%(?:25){0,2}20|\+)(?:[A-Z0-9]{1,12}(?: |%(?:25){0,2}20|\+)){0,4}PRIVATE(?: |%(?:25){0,2}20|\+)KEY"
    rb"(?:(?: |%(?:25){0,2}20|\+)BLOCK)?[ ]?-{4,5}"
)
# A key that was cut off before its end: long lines of base64, with any spelling of line ends, and any prefix of each line.
_PEM_BODY: Final = late(
    rb"(?:(?>[\s\S]{0,80}?(?>[A-Za-z0-9+/]|%(?:25){0,2}2[BbFf]){40,}=*)+(?>\s|\\+[nr]|%0[AaDd])*[A-Za-z0-9+/=]*)?"
)
_PEM_BYTES: Final = 8192
_PUTTY: Final = late(
    rb"PuTTY-User-Key-File-\d(?>[^\r\n\\]|\\(?!r?\\?n))*+(?:(?:\\r\\n|\\n|\r?\n)(?:[A-Z][\w-]{2,30}:[^\r\n\\]{0,200}|[A-Za-z0-9+/=]{20,200}))*"
)
_CODE: Final = late(
    rb"(?:o(?<![a-z0-9]o)tp|c(?<![a-z0-9]c)v[vc]2?|t(?<![a-z0-9]t)otp|p(?<![a-z0-9]p)in|2(?<![a-z0-9]2)fa)(?:[ _-]?code)?['\"]?"
    rb"(?:\s{0,2}[=:]|\sis)\s{0,2}['\"]?(?P<code>\d{3,8})(?![\d.])"
    # A personal access token has its own shape at most providers.
    rb"|p(?<![a-z0-9]p)at\\{0,8}['\"]?\s{0,2}[=:]\s{0,2}\\{0,8}['\"]?(?P<pat>(?=[a-z_-]{0,40}\d)[\w-]{20,200})"
)
# Password hashes of crypt, Apache, LDAP, Django and Werkzeug.
_HASH: Final = late(
    rb"\$(?:2[abxy]?\$\d\d\$[\w./]{50,53}|(?:apr1|[156y])\$(?:rounds=\d{1,9}\$)?[\w./]{1,16}\$(?:[\w./]{1,32}\$)?[\w./]{22,86}+"
    rb"|argon2(?:id?|d)\$[\w$=,./+-]{20,300}+)|\{S?SHA(?:256|512)?\}[\w/+]{20,}+={0,2}|\{(?:PLAIN|CLEARTEXT|CRYPT)\}[^\s:\"']{4,200}"
    rb"|pbkdf2[:_]sha\d{1,3}[:$]\d{1,9}\$[\w./+-]{1,64}\$[\w./+=-]{20,}+|scrypt:[\d:]{1,30}\$[\w./+-]{1,64}\$[\w./+=-]{20,}+"
)
# Maps digits to 0, blank and hyphen to a blank, and others to x: a card is then a row of zeros.
_DIGITS: Final = bytes(48 if 48 <= code <= 57 else 32 if code in b" -" else 120 for code in range(256))
# The fewest digits of a card, as `_DIGITS` shows them: two groups, or a row.
_EIGHT: Final = b"0000 0000"
_THIRTEEN: Final = b"0000000000000"
_LONG_ROW: Final = late(_THIRTEEN + b"0*+")
_GROUPED: Final = late(
    rb"[3-6]\d{3}(?<![\w.#/-]\d{4})([ -])(?:\d{4}\1\d{4}\1\d{4}|(?<=3[47]\d\d[ -])\d{6}\1\d{5}"
    rb"|(?<=3[0689]\d\d[ -])\d{6}\1\d{4})(?![\w-])(?!\.\d)"
)
_ROW: Final = late(rb"[2-6]\d{3}(?<![\w.#/-]\d{4})\d{9,15}+(?![\w-])(?!\.\d)")
# Numbers like American Express cards are rare enough to need no word for a card nearby; other rows of digits are cards only
# near one.
_AMEX: Final = (b"34", b"37")
_AMEX_DIGITS: Final = 15
_GROUPS: Final = late(rb"\d{4}(?:[ -]\d{4,6}){2,3}")
_DIGIT_BEFORE: Final = late(rb"(?:\d|\d[0-9A-Fa-f]{3}|[0-9A-Fa-f]{1,3}\d[0-9A-Fa-f]{0,2})[ ,]{1,2}\Z")
# The date of expiry may follow a card, and its code.
_EXPIRY: Final = late(
    rb"[ ,;|\t]{1,2}(?:exp\w{0,4}:? )?(?:0[1-9]|1[0-2])(?: ?[/-] ?(?:20)?[2-4]\d\b|[|;:,](?:20)?[2-4]\d[|;:,]\d{3,4}\b)"
)
_DIGIT_AFTER: Final = late(rb"[ ,]{1,2}(?!(?:0[1-9]|1[0-2]) ?[/-] ?\d\d)(?:\d|[0-9A-Fa-f]{1,3}\d[0-9A-Fa-f]{0,2}\b)")
_LONGEST_GROUP: Final = 7
_CARD_WORD: Final = late(
    rb"\b(?:pan|cc)\b|card(?!inal|io|igan|amom|board)|master[ _-]?card|charge(?!r|[ ]of|[ _-]?(?:cycle|level))"
    rb"|visa|amex|american express|discover|maestro|diners|credit|debit|karte|carte|tarjeta|payment"
)
# Words before other numbers, and units after them.
_OTHER_NUMBER: Final = late(
    rb"(?i:ids?|account|acct|konto|iban|order|invoice|ref(?:erence)?|seq(?:uence)?|number|num|no|size|bytes?|total|count|offset|ns|us|ms|time"
    rb"|ts|timestamp|duration|elapsed|latency|memory|user|member|guild|channel|message|metrics?|value|balance|took|at|nonce|hash|version|build"
    rb"|pid|serial|tracking|phone|imei|isbn|snowflake|epoch|since|in|of|sum|avg|mean|p\d\d|max|min|rate|position|index|row|line)"
    rb"[\"']?\s{0,2}[=:#(\[]?\s{0,2}[\"'+-]?\Z"
)
_UNIT: Final = late(rb"\s?(?:[kKMGT]?i?B|bytes?|[nmu\xce\xbc]?s|sec|seconds?|items|rows|events|%|times|tokens|points)\b")


_CODE_SIGNS: Final = ("otp", "cvv", "cvc", "pin", "2fa", "pat")
_HASH_SIGNS: Final = (
    *("$2", "$apr1$", "$1$", "$5$", "$6$", "$y$", "$argon2", "sha}", "{plain}", "{cleartext}", "{crypt}", "sha256}", "sha512}"),
    *("pbkdf2", "scrypt:"),
)


def _find_bearer(data: bytes, signs: Signs) -> Iterator[Found]:
    return _groups(signs.matches(_BEARER, data.lower(), ("bearer", "basic")), "bearer token")


def _find_code(data: bytes, signs: Signs) -> Iterator[Found]:
    return _groups(signs.matches(_CODE, data.lower(), _CODE_SIGNS), "one-time code")


def _groups(matches: Iterable[re.Match[bytes]], rule: str) -> Iterator[Found]:
    """Yield the group that matched in each find of a pattern."""
    for match in matches:
        group = match.lastgroup or 0
        start = match.start(group)
        if group == "its" and looks_random(match["user"].decode(), 16):
            start = match.start("user")
        if group == "alone" and not looks_random(match[group].decode("utf-8", "replace"), 16):
            continue
        if not match[group].startswith((b"[redacted", b"***")):
            yield Found(start, match.end(group), rule)


def _private_keys(data: bytes, _: Signs) -> Iterator[Found]:
    at = 0
    while (head := _PEM.search(data, at)) is not None:
        close = data.find(b"----END" if b"----BEGIN" in head[0] else b"---- END", head.end(), head.end() + _PEM_BYTES)
        if close < 0:
            body = _PEM_BODY.match(data, head.end(), head.end() + _PEM_BYTES)
            at = body.end() if body is not None else head.end()
        else:
            end = data.find(b"----", close + 9, close + 80)
            at = end + 4 + data.startswith(b"-", end + 4) if end >= 0 else close + 9
        yield Found(head.start(), at, "private key")


RULES: Final = (
    rule_near(_USERINFO, ("://",), 0, partial(_groups, rule="URL password")),
    rule_near(_ESCAPED_USERINFO, ("/\\", "u002f", "2f%2", ";&#"), 20, partial(_groups, rule="URL password")),
    SignRule(("bearer", "basic"), _find_bearer),
    SignRule(("---begin", "--- begin"), _private_keys),
    rule_near(_PUTTY, ("putty-user-key-file-",), 0, partial(_groups, rule="private key")),
    SignRule(_CODE_SIGNS, _find_code),
    rule_near(_HASH, _HASH_SIGNS, 2, partial(_groups, rule="password hash")),
)


def may_have_card(data: bytes) -> bool:
    """Whether a text has enough digits for a card; False is certain."""
    digits = data.translate(_DIGITS)
    return digits.find(_EIGHT) >= 0 or digits.find(_THIRTEEN) >= 0


def find_cards(data: bytes) -> Iterator[Found]:
    """Yield card numbers: in groups of digits, or in a row of digits near a word for a card."""
    digits, lower = data.translate(_DIGITS), b""
    for at in positions(digits, _EIGHT):
        if (match := _GROUPED.match(data, at)) is not None and passes_luhn(match[0].decode()):
            lower = lower or data.lower()
            if _stands_alone(data, match) or _is_near_word(lower, match):
                yield Found(match.start(), match.end(), "card number")
    for row in _LONG_ROW.finditer(digits):
        if (match := _ROW.match(data, row.start())) is not None and passes_luhn(match[0].decode()):
            lower = lower or data.lower()
            is_amex = len(match[0]) == _AMEX_DIGITS and match[0].startswith(_AMEX)
            if (is_amex and _is_alone_in_row(data, match)) or _is_near_word(lower, match) or _EXPIRY.match(data, match.end()):
                yield Found(match.start(), match.end(), "card number")


def _stands_alone(data: bytes, match: re.Match[bytes]) -> bool:
    """Whether groups of digits are not part of a row of numbers, except for a row of cards."""
    start, end = match.span()
    size = end - start
    is_alone_before = _DIGIT_BEFORE.search(data, max(0, start - _LONGEST_GROUP), start) is None or _is_card(
        data[max(0, start - size - 1) : start]
    )
    return is_alone_before and (_DIGIT_AFTER.match(data, end) is None or _is_card(data[end : end + size + 1]))


def _is_card(part: bytes) -> bool:
    digits = part.strip(b" ,-")
    return _GROUPS.fullmatch(digits) is not None and passes_luhn(digits.decode())


def _is_near_word(lower: bytes, match: re.Match[bytes]) -> bool:
    before, after = lower[max(0, match.start() - 40) : match.start()], lower[match.end() : match.end() + 40]
    return _CARD_WORD.search(before) is not None or _CARD_WORD.search(after) is not None


def _is_alone_in_row(data: bytes, match: re.Match[bytes]) -> bool:
    """Whether the text around digits does not say that they are another number than an American Express card."""
    before, after = data[max(0, match.start() - 40) : match.start()], data[match.end() : match.end() + 40]
    return not _OTHER_NUMBER.search(before) and not _UNIT.match(after)
