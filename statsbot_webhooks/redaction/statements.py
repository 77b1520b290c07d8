"""Secrets in statements of other languages, and in sentences: SQL, netrc, PowerShell, data sources, one-time codes. Pure.

What a name before it gives away stands in `labelled_secrets`; here the place in the statement does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from .key_names import NameKind, name_kind
from .scanner import Found, replace_all

_STRING: Final = r"(?:'[^'\n]{1,300}'|\"[^\"\n]{1,300}\")"
_NETRC: Final = re.compile(
    rb"(?:machine\s{1,4}[^\s]{1,200}|default)\s{1,4}login\s{1,4}[^\s]{1,80}\s{1,4}(?:account\s{1,4}[^\s]{1,80}\s{1,4})?password\s{1,4}(?P<value>(?!\[redacted)[^\s]{1,300})"
)
_STDIN: Final = re.compile(rf"echo\s(?:-n\s)?(?P<value>{_STRING}|[^\s|$]{{1,300}})\s?\|[^\n|]{{0,80}}--password-stdin".encode())
_SQL_PASSWORD: Final = re.compile(
    rf"(?i:identified\s(?:by|with\s\w{{1,40}}\s(?:by|as))|(?:user|role|login)\s[^\s]{{1,80}}\s(?:with\s)?(?:encrypted\s)?password"
    rf"|password\sfor\s[^\s=]{{1,80}})[\s=]{{1,4}}(?P<value>{_STRING})".encode()
)
_SECURE_STRING: Final = re.compile(rf"(?i:securestring)\s{{1,3}}(?:-\w{{1,12}}\s{{1,3}})?(?P<value>{_STRING})".encode())
_DATA_SOURCE: Final = re.compile(
    rb"(?:sqlplus\s(?:-\w\s){0,3}|thin:|dsn=)[\w$#]{1,40}/(?P<value>[^\s/@\"']{1,100})@"
    rb"|(?<=[\w.-]):(?P<tcp>[^\s/@:]{1,100})@(?:tcp|unix)\("
)
_CODE: Final = re.compile(
    rb"code(?<=[a-z0-9 _-]code)s?(?:['\"]?\s{0,2}[:=]\s{0,2}|\s(?:is|are):?\s|\s)['\"]?"
    rb"(?P<value>\d{4,8}(?![\d.])"
    rb"|(?=[a-z-]{0,20}\d)[a-z0-9]{4,5}(?:-[a-z0-9]{4,5}){1,4}(?:[ ,]{1,2}[a-z0-9]{4,5}-[a-z0-9-]{4,20})*)"
)
_OF_CODE: Final = re.compile(
    rb"(?:one[- ]time|verification|security|log-?in|sign-?in|2fa|mfa|otp|confirmation|authentication|recovery|backup|sms)[ _-]?\Z"
)
_INSERT: Final = re.compile(rb"\((?P<names>[\w\s,\"`.\[\]]{1,2000}+)\)\s{0,4}(?:OUTPUT [^\n(]{1,80})?(?i:values)\s{0,4}\(")
# Where SQLAlchemy and others show what the placeholders of a statement stood for.
_PARAMETERS: Final = re.compile(rb"(?i:param(?:eter)?s|args|values)[\"']?[:=]\s{0,3}[\[(]{1,2}")
_ITEM: Final = re.compile(
    rb"\s*+(?P<item>(?:[bBrRuUnNeE]{0,2})(?:'(?>[^'\\\n]|\\.|'')*+'|\"(?>[^\"\\\n]|\\.)*+\")|[^,()'\"\n]{0,200}+(?:\([^()\n]{0,100}\))?)\s*+(?P<end>[,)\]])"
)
_PLACEHOLDER: Final = re.compile(rb"\?|%s|%\(\w{1,40}\)s|[$:]\w{1,40}|@\w{1,40}|(?i:null|default|true|false)|")
_MOST_COLUMNS: Final = 60
_FURTHEST: Final = 2000


def may_have_statement(text: str) -> bool:
    """Whether a text in lower case may have what `find_in_statements` finds; False is sure."""
    return bool(_finders(text))


def find_in_statements(data: bytes, text: str) -> Iterable[Found]:
    """Return the secrets that their place in a statement gives away; `text` is the same in lower case."""
    finders = _finders(text)
    return chain.from_iterable(find(data) for find in finders) if finders else ()


def replace_in_statements(data: bytes) -> bytes:
    """Return a text without these, of which it has very many."""
    for pattern in (_NETRC, _SQL_PASSWORD, _SECURE_STRING, _DATA_SOURCE, _STDIN):
        data = replace_all(data, pattern.finditer(data), "password")
    return data


def _finders(text: str) -> list[Callable[[bytes], Iterator[Found]]]:
    found: list[Callable[[bytes], Iterator[Found]]] = []
    if "password" in text:
        if "login" in text and ("machine" in text or "default" in text):
            found.append(lambda data: _values(_NETRC, data, "password"))
        if "-stdin" in text:
            found.append(lambda data: _values(_STDIN, data, "password"))
    if "identified " in text or (
        "password" in text and ("user " in text or "role " in text or "login " in text or " for " in text)
    ):
        found.append(lambda data: _values(_SQL_PASSWORD, data, "password"))
    if "securestring" in text:
        found.append(lambda data: _values(_SECURE_STRING, data, "password"))
    if "@" in text and ("sqlplus" in text or "thin:" in text or "dsn=" in text or "@tcp(" in text or "@unix(" in text):
        found.append(lambda data: _values(_DATA_SOURCE, data, "password"))
    if "code" in text:
        found.append(_codes)
    if "values" in text and "(" in text:
        found.append(_inserted)
    return found


def _values(pattern: re.Pattern[bytes], data: bytes, rule: str) -> Iterator[Found]:
    for match in pattern.finditer(data):
        yield Found(*match.span(match.lastgroup or 0), rule)


def _codes(data: bytes) -> Iterator[Found]:
    lower = data.lower()
    for match in _CODE.finditer(lower):
        if _OF_CODE.search(lower[max(0, match.start() - 20) : match.start()]) is not None:
            yield Found(*match.span("value"), "one-time code")


def _inserted(data: bytes) -> Iterator[Found]:
    """Yield the values of the columns of an INSERT whose names are secret ones', in the statement or in its parameters."""
    for match in _INSERT.finditer(data):
        names = [name.strip(b' \t\n"`[]').rpartition(b".")[2].decode("utf-8", "replace") for name in match["names"].split(b",")]
        wanted = {number for number, name in enumerate(names[:_MOST_COLUMNS]) if name_kind(name) is NameKind.SECRET}
        if not wanted:
            continue
        yield from _listed(data, match.end(), wanted)
        parameters = _PARAMETERS.search(data, match.end(), match.end() + _FURTHEST)
        if parameters is not None:
            yield from _listed(data, parameters.end(), wanted)


def _listed(data: bytes, at: int, wanted: set[int]) -> Iterator[Found]:
    for number in range(_MOST_COLUMNS):
        item = _ITEM.match(data, at)
        if item is None:
            return
        if number in wanted and not _PLACEHOLDER.fullmatch(item["item"].strip()):
            yield Found(*item.span("item"), "password")
        if item["end"] != b",":
            return
        at = item.end()
