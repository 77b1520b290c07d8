"""Labelled secrets, known by the name before them: `password=…`, `"token": "…"`, "the password is …", an option, a tag. Pure.

This module finds a name and what joins it to its value, however they are escaped; `secret_extent` says how far the value
goes, and `key_names` which names count. One pattern is tried behind each word for a secret; what it reads there is bounded, so
that the time is proportional to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Final

from .key_names import ABOUT, NameKind, looks_random, name_kind, rule_of
from .late_patterns import late
from .name_words import bulk_patterns, word_at
from .secret_extent import find_value
from .secret_strings import Label
from .signs import Found, positions

_NAME_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
_NO_NAME: Final = late(rb"[^\w.-]")
_LONGEST_NAME: Final = 64
_LONGEST_OPTION: Final = 30
# Spellings of a quote, a blank and a line end: JSON and repr of several levels, URLs, HTML, quoted-printable.
_QUOTE: Final = (
    r"(?>[\"'`]|\\{1,40}+(?:[\"'`]|(?:u002|x2)[27])|%(?:25){0,3}2[27]|&(?:amp;){0,2}(?:quot|apos|#0?3[49]|#x2[27]);|=22"
    r"|\xe2\x80[\x98-\x9f]|\xc2[\xab\xbb])"
)
# Blanks of other scripts and colours of a terminal count too.
_BLANK: Final = (
    r"(?>[ \t+]|%(?:25){0,3}20|&nbsp;|\\{1,40}+(?:t|u0020|x20|u0009)|=20|\xc2\xa0|\xe3\x80\x80|\xe2\x80[\x80-\x8a\xaf]"
    r"|(?:\x1b|\\{1,40}(?:x1b|u001b|033|e))\[[\d;]{0,12}m)"
)
# The closing marks of Markdown and HTML around a name.
_CLOSE: Final = r"(?:\*{1,2}(?=[ \t:=])|~~|</[a-z]{1,10}>)"
_LINE_END: Final = (
    r"(?>\r?\n|\\{1,40}+r\\{1,40}+n|\\{1,40}+[nr]|(?:%(?:25){0,3}0d)?%(?:25){0,3}0a|(?:=0d)?=0a|\\{1,40}+u000a|<br ?/?>|#012)"
)
# An equals sign or a colon, in the wide forms of Chinese and Japanese too.
_JOINT: Final = (
    r"(?>:=|::(?= )|:|=>|!?={1,3}>{0,2}(?:3d)?|->|\xe2(?:\x86\x92|\x87\x92)|<-|(?:\|\||\?\?|[?~])=|\||\xe2\x94\x82"
    r"|\{(?=[\"'])|\\{1,2}[=:](?![\\/])|\xe3\x81\xaf"
    r"|%(?:25){0,3}3[da]"
    r"|\\{1,40}+(?:u003|x3)[da]|&(?:equals|colon|#61|#58|#x3d|#x3a);|\xef\xbc[\x9d\x9a]|\xe6\x98\xaf|\xeb\x8a\x94|\xec\x9d\x80|\xe4\xb8\xba)"
)
_VALUE_WORD: Final = r"(?=b?[\"'`(]{0,2}[^\s\d]{0,40}+\d)(?=[\"'`(]{0,2}[^\s]{6})"
_VERB: Final = (
    r"(?>(?:was |has been |is )?(?:changed|set|reset|updated|rotated)[ \t]{1,3}(?:from|to|as)(?=[ \t])"
    r"|from(?=[ \t]\S{1,200}[ \t]to[ \t])"
    r"|(?:it'?s|used to be|(?:should|must|will) be|is|was|are|ist|lautet|war|est|es|\xc3[\xa8\xa9]|equals|to|like"
    r"|value(?: is)?)(?:[ \t]{1,3}(?:now|jetzt))?:?(?=[ \t]))"
)
# "Password for bob:", "Password (admin):", "API key provided:", "token has been passed:", "Dim password As String ="
_WHOSE: Final = (
    r"(?:[ \t]{1,2}(?:for|of|von|f\xc3\xbcr|de|pour|para|di|\xd0\xbe\xd1\x82|\xd0\xb4\xd0\xbb\xd1\x8f)[ \t]{1,2}"
    r"(?:user |the |my )?[\"']?(?>(?:[\w.@-]|[\xc3-\xf4][\x80-\xbf]{1,3}){1,60})[\"']?(?=[ \t]{0,2}:)"
    r"|[ \t](?:as[ ])?string(?=[ ]?=)"
    r"|(?P<said>[ \t](?:has been |is |was )?(?:provided|supplied|given|received|used|entered|passed"
    r"|generated)(?: for [\w.@-]{1,60})?(?=:))"
    r"|[ \t]?[(\[][\w.@ -]{1,40}+[)\]](?=[ \t]{0,2}[:=]))"
)
# A value may begin like a blank of quoted-printable: "=2024…".
_ASSIGN: Final = (
    rf"(?:(?:{_BLANK}){{0,40}}+{_JOINT}(?>{_BLANK}|{_CLOSE}){{0,8}}+|=(?=20[\w.-]))"
    rf"(?P<below>\\?{_LINE_END}[ \t]{{0,40}}+(?:- )?)?"
)
# Words after the noun in other languages ("clave privada", "jeton d'accès", "токен доступа"), and endings beyond ASCII.
_LETTER: Final = r"(?:[a-z]|[\xc3-\xdf][\x80-\xbf]|%c3%[ab][0-9a-f]|\\u00[ef][0-9a-f])"
_NAME_REST: Final = (
    r"(?>\w{0,48}(?:[.-]\w{1,48}){0,12})(?:(?:[\xc3-\xdf][\x80-\xbf]|\\u0(?:0[c-f]|[1-9a-f][0-9a-f])[0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]){1,3}\w{0,6})?"
    rf"(?:(?:[ _-]|%20)(?:de(?:[ _-]|%20)|d['\x92]|d%27|di[ _-])?(?:ordine|acc{_LETTER}{{2,9}}|acess?o"
    rf"|secr{_LETTER}{{2,9}}|segret[ao]|privad?t?[ao]|api|mestra|chiave|passe"
    r"|(?:[\xc3-\xdf][\x80-\xbf]|\\u0(?:0[c-f]|[1-9a-f][0-9a-f])[0-9a-f]|%d[01]%[89ab][0-9a-f]){4,14})(?![a-z]))?"
)
# The rest of the name, and what joins it to its value. Each alternative begins with a class of characters, by which most
# texts are rejected at once.
_TAIL: Final = (
    rf"(?:{_NAME_REST}(?:\[\]|\(s\)|\.{{2,20}}(?=[ :=]))?(?:"
    # name=, name: , "name": , ["name"] = , \"name\": , name%3D, $name = , name => , | name | , **name:** , (name)=
    rf"(?P<assign>(?:(?=[=:|?~<!{{\xef\xe6\xe4\xe3\xeb\xec])|(?=[\"'`\])}}\\%&\xe2\xc2*~<])(?>{_QUOTE}|{_CLOSE}){{0,2}}+(?:(?::protected|:(?:\"\w{{1,40}}\":)?private)?[\])}}]|%5d)?"
    rf"|(?=[ \t+\x1b\\\xc2\xe2\xe3])(?:{_BLANK}){{1,40}}+(?=[=:|%\\&\xef\xe2<!?~{{-])|(?=[ \t(\[]){_WHOSE}"
    # ? name
    # : value
    rf"|(?=[\"'\r\n\\])(?P<mapped>{_QUOTE}?{_LINE_END}[ \t]{{0,20}}(?=:[ \t]))){_ASSIGN})"
    # name: password, value: ...; variable "password" { default = ... }; <input type="password" value=...>
    rf"|(?P<valued>(?:{_QUOTE})?[\]}}]?(?>[ \t,;{{]|{_LINE_END}){{1,24}}+"
    rf"(?:(?:{_QUOTE})?\w{{1,20}}(?:{_QUOTE})?[ ]{{0,12}}[=:][ ]?(?:{_QUOTE})?[\w./-]{{1,40}}(?:{_QUOTE})?"
    rf"(?>[ \t,;]|{_LINE_END}){{1,24}}+){{0,3}}?"
    rf"(?:{_QUOTE})?(?:parameter)?(?:value|default|content)(?:{_QUOTE})?[ \t]{{0,3}}[=:][ \t]{{0,3}})"
    # "name", "value" of a list of pairs; key='name' value='…'; a field of a form
    rf"|(?P<pair>{_QUOTE}\)?(?:{_BLANK}){{0,3}}+[,;]?(?>{_BLANK}|{_LINE_END}){{0,12}}+"
    rf"(?:{_QUOTE}?(?:value|default|fallback){_QUOTE}?(?:{_BLANK}){{0,3}}+[=:](?:{_BLANK}){{0,3}}+"
    rf"|(?:s:\d{{1,5}}:)?(?<=[,;: ])(?=b?{_QUOTE})))"
    rf"|(?P<form>[\"'](?:;[^\r\n\\]{{0,80}})?(?:{_LINE_END}[a-z-]{{1,40}}:[^\r\n\\]{{0,100}}){{0,3}}{_LINE_END}{_LINE_END})"
    # <td>name</td><td>value
    r"|(?P<cell>:?</\w{1,20}>\s{0,20}<(?:td|dd|th|val|value|string|b|strong|em|kbd)[^<>\n]{0,60}>(?:<string>)?)"
    r"|(?P<tag>[\"']?>(?!>)(?:\s{0,20}<(?:value|string)>)?"
    r"|&gt;|</key>[ \t\r\n]{0,20}<string>|[\"']?[ \t][\w:.-]{1,40}=[\"'][^<>\n]{0,80}>)"
    rf"|(?P<call>[ \t]?\([ \t]?{_VALUE_WORD})"
    rf"|(?P<prose>[?,]?[ \t]{{1,3}}+(?:(?:for|of|to|on|von|f\xc3\xbcr|de)(?:[ \t]{{1,3}}[\"']?[\w.@-]{{1,40}}+[\"']?){{1,2}}?"
    rf"[ \t]{{1,3}}+){{0,2}}?"
    rf"{_VERB}[ \t]{{1,3}}+)"
    rf"|(?P<path>/(?=[\w-]{{16}})(?={_VALUE_WORD}))"
    r"|(?P<word>[ \t]{0,3}(?=<<[-~]?[\"']?\w{1,20}[\"']?[ \t]{0,3}[\r\n\\])"
    r"|(?:[\])}]|\*\*)?(?:(?:(?>[ \t\x00\x01\x1f]|\\{1,4}t|\xc2\xa0"
    r"|\xe3\x80\x80|\xe2\x80[\x80-\x8a\xaf]){1,24}+(?:\d{1,2}[ ](?=\S{8}))?|[;~,][ ]?"
    rf"|[ \t]{{0,3}}(?:>{{1,3}}|<{{2,3}}|-{{1,3}}|\.{{2,20}}|/|\xe2\x80[\x93\x94\x96\xa2]|\xc2[\xa6\xb7]"
    rf"|\xf0\x9f[\x80-\xbf]{{2}})[ \t]{{0,3}}"
    rf"|[ \t]{{0,3}}(?:{_LINE_END}){{1,2}}[ \t]{{0,8}}(?:\[1\] |out\[\d{{1,4}}\]: )?(?![\w.@-]{{1,40}}[,;|])))(?=b?[\"'`]"
    rf"|{_VALUE_WORD}))"
    rf")|(?<=OPTION)[\w-]{{0,30}}+(?P<option>(?>[ \t]{{1,4}}|[\"'],[ \t]?(?=[\"']))(?=[^\s-])))"
)


@cache
def _tail(*, is_option: bool) -> re.Pattern[bytes]:
    """Return the pattern of what follows a word, after a hyphen or not. Built at the first call, which takes milliseconds."""
    return re.compile(_TAIL.replace("(?<=OPTION)", "" if is_option else "(?!)").encode("latin-1"))


# Budget in units of a word without a value, which costs half a microsecond; one with a value costs fifteen. A text beyond it is
# an attack or a dump, whose rest is read in one go.
_MOST_SPENT: Final = 20_000
_SHORT_TEXT: Final = 8192
_OF_VALUE: Final = 11
# Dozens of escaped blanks may follow a word.
_OF_ESCAPE: Final = 5
_ESCAPES: Final = frozenset((b"\\", b"%", b"=", b"&"))
# How far a value is searched: mostly up to the second limit, in a text with thousands of words up to the first.
_NEAR: Final = 400
_FAR: Final = 4096
_MOST_READ: Final = 1_000_000
_MOST_FAR: Final = 100
_MOST_WHOLE: Final = 10
_MARGIN: Final = 16
_ESCAPE: Final = late(
    rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{3}|[abefnrtv0])|%(?:25){0,3}[0-9A-Fa-f]{2}|=[0-9A-F]{2}|\[\d{0,3}m"
)
_PAIR: Final = late(rb"(?:(?:[(\[{]|setattr\([\w.]{1,40},)\s{0,3}b?|s:\d{1,4}:)\\{0,40}[\"']\Z")
# Text before a name whose value is elsewhere, and before the name of an element.
_NAMED: Final = late(
    rb"(?i:name|key|id|type|variable|field|param|setting"
    rb"|output)[\"'\\]{0,3}[ \t]{0,3}[=:]?[ \t]{0,3}[\"'\\]{0,3}(?:/?[\w.-]{1,40}/){0,6}\Z"
)
_VALUE_BEFORE: Final = late(
    rb"(?i:value|content|default)\\{0,40}[\"']?\s{0,3}[:=]\s{0,3}(?:\\{0,40}[\"'](?P<value>[^\"'\n]{1,300})[\"']|(?P<bare>[^\s\"',{}<>]{1,300}))"
    rb"[\s,;]{1,12}(?:\w{1,20}[\"']?\s?[:=]\s?[\"']?[\w./-]{1,40}[\"']?[\s,;]{1,6}){0,3}?\\{0,40}[\"']?"
    rb"(?i:\w{0,12}_)?(?i:name|key|id|type|variable|field|param|setting)\\{0,40}[\"']?\s{0,3}[:=]\s{0,3}\\{0,40}[\"']?(?P<name>[\w.-]{1,60})\Z"
)
_WITH_KEY: Final = late(rb"value|default|fallback")
_VALUE_WORDS: Final = (b"value", b"content", b"default")
_REST_OF_NAME: Final = late(rb"[\w.-]{0,48}(?=\\{0,40}[\"']|\s|[,}>/]|\Z)")
_ARN: Final = late(rb"arn:[\w:-]{1,100}:\Z")
_PART_OF_PATH: Final = late(r"[a-z]+(?:[-_][a-z]+)*")
_TAG: Final = late(rb"(?:<|&lt;)(?:[\w-]{1,20}:)?\Z|(?i:name|key)=[\"']\Z|<(?i:key)>\Z")
_FIRST_WORD: Final = late(
    rb"(?i:pass|seed|recovery|backup|security|secret|mnemonic|wallet|api|access|private|encryption|signing|master|license|client"
    rb"|kata|(?:mot|phrase|frase)(?: |%20)de|palavra)(?: |%20)\Z"
)


# Needed by most texts; each is built at its first call.
LARGE_PATTERNS: Final = (partial(_tail, is_option=False), partial(_tail, is_option=True))


def find_named(data: bytes, lower: bytes, ends: Sequence[int]) -> Iterator[Found]:
    """Yield the secrets with a name before them; some may lie within others. `ends` are those of words for secrets."""
    if _NO_NAME.search(data) is None:
        # Nothing joins a name to a value.
        return
    most = _MOST_SPENT if len(data) > _SHORT_TEXT else len(data) * _OF_VALUE
    ends = ends[:most]
    reader = _ValueReader(data, len(ends))
    done = spent = 0
    for end in ends:
        spent += _OF_ESCAPE if lower[end : end + 1] in _ESCAPES else 1
        if spent >= most:
            yield from _in_one_go(lower, end)
            return
        if end <= done:
            continue
        joint = _tail(is_option=b"-" in lower[max(0, end - _LONGEST_OPTION) : end]).match(lower, end)
        if joint is None:
            if b"value" in lower[max(0, end - _NEAR) : end] and (before := _value_before(data, lower, end)) is not None:
                yield before
            continue
        spent += _OF_VALUE
        done = joint.start(joint.lastgroup or 0)
        if (secret := _read(reader, lower, end, joint)) is not None:
            yield secret
            done = max(done, secret.end)


def _in_one_go(lower: bytes, at: int) -> Iterator[Found]:
    """Yield the named values from a position on: only those after an equals sign or a colon, up to the next blank."""
    return (Found(*match.span(match.lastgroup or 0), "named value") for match in _bulk().finditer(lower, at))


@cache
def _bulk() -> re.Pattern[bytes]:
    strong, weak = bulk_patterns()
    # Not after words in names of other things: count, used, limit, id.
    joint = (
        rb"(?!s?[_.-]?%b(?![a-z]))[\w.-]{0,20}+[\"']{0,2}\]?[ ]{0,3}(?:[=:]|%%3d)(?<!id[=:])(?<!es[=:])[ ]{0,3}" % ABOUT.encode()
    )
    value = rb"(?:\"[^\"\n]*+\"?|'[^'\n]*+'?|(?![$<{\[]|none|null|true|false|str\b|\d{1,5}\b)[^\s]++)"
    mixed = rb"(?=[^\s]{8})(?=[^\s\d=]{0,40}+\d{1,8}+[a-z]{1,8}+\d)"
    return re.compile(rb"(?:%b)%b(?P<strong>%b)|(?:%b)%b(?P<weak>%b%b)" % (strong, joint, value, weak, joint, mixed, value))


class _ValueReader:
    """Reads values of one text, each within a number of bytes chosen so that the total is proportional to the text."""

    def __init__(self, data: bytes, places: int) -> None:
        self.data = data
        self._near = min(_FAR, max(_NEAR, _MOST_READ // (places + 1)))
        # How often a longer value may be read further: few texts have many of them, except attacks.
        self._further = {_FAR: _MOST_FAR, len(data): _MOST_WHOLE}

    def value(self, label: Label) -> tuple[int, int] | None:
        """Return the extent of the value behind a name, None when it is not secret."""
        value = self._within(label, self._near)
        for size in self._further:
            if value is None or value[1] < label.at + self._near - _MARGIN or self._further[size] <= 0:
                return value
            self._further[size] -= 1
            value = self._within(label, size)
        return value

    def _within(self, label: Label, size: int) -> tuple[int, int] | None:
        first = max(0, label.begin - _FAR)
        moved = label._replace(begin=label.begin - first, at=label.at - first, below=max(label.below - first, -1))
        value = find_value(self.data[first : label.at + size], moved)
        return (value[0] + first, value[1] + first) if value is not None else None


def _read(reader: _ValueReader, lower: bytes, word_end: int, match: re.Match[bytes]) -> Found | None:
    """Return the secret behind the name whose word ends at `word_end`, None when there is none."""
    data = reader.data
    joint = match.lastgroup or ""
    name, begin = _name(data, lower, word_end, match.start(joint))
    kind = name_kind(name.strip(".-"))
    if kind is NameKind.HARMLESS or _is_our_mark(data, begin):
        return None
    if joint == "assign" and b"!" in match["assign"]:
        # Compared with it: in a source line, with any text.
        joint = "list"
    if joint == "call":
        kind = name_kind(name.strip("._").removeprefix("with").removeprefix("With").strip("_"))
    if match["said"] is not None:
        joint = "word"
    if match["mapped"] is not None and not data[max(0, begin - 9) : begin].rstrip(b"\"'\\").endswith(b"? "):
        return None
    if joint in ("word", "pair") and name.startswith("-"):
        joint = "option"
    if joint == "pair" and not _WITH_KEY.search(match["pair"]):
        if not _PAIR.search(data, max(0, begin - 64), begin):
            # Any list of names, so a value must look like a secret.
            joint = "list"
        elif "." in name:
            return None
    if data[begin - 1 : begin] == b":" and _ARN.search(data, max(0, begin - 110), begin):
        # The name of a secret in Amazon's store.
        return None
    if joint in ("tag", "cell") and name.lower() == "code":
        # HTML's element.
        return None
    if joint == "word" and data[match.end() - 1 : match.end()] == b"/":
        joint = "path"
    if joint == "path" and not _PART_OF_PATH.fullmatch(name):
        return None
    if joint == "valued" and not _NAMED.search(data, max(0, begin - 100), begin):
        is_next = match["valued"][:2] in (b"',", b'",') and _WITH_KEY.match(match["valued"][2:].lstrip()) is not None
        if not is_next and not match["valued"].lstrip(b" {(\"'").startswith(b"value"):
            return None
    elif joint in ("word", "tag", "list", "assign") and (before := _value_before(data, lower, word_end)) is not None:
        return before
    if joint == "cell" and data[begin - 1 : begin].strip() != b">":
        return None
    if joint == "tag" and not _TAG.search(data, max(0, begin - 24), begin):
        if match["tag"] != b">":
            return None
        joint = "word"
    if joint == "option" and not name.startswith("-"):
        return None
    below = match.start("below") if match["below"] is not None else -1
    if below >= 0 and match["below"][:2] in (b"\\\n", b"\\\r"):
        # A line that a backslash continues.
        below += 1
    value = reader.value(Label(name, begin, match.end(), kind, joint, below))
    return Found(value[0], value[1], rule_of(name)) if value is not None else None


def _name(data: bytes, lower: bytes, word_end: int, end: int) -> tuple[str, int]:
    """Return a name and its begin: the word that was found, and the letters around it."""
    before = data[max(0, word_end - _LONGEST_NAME) : word_end]
    begin = word_end - (len(before) - len(before.rstrip(_NAME_BYTES)))
    if begin == word_end or data[begin - 1 : begin] > b"\x7f" or b"%" in before or b"\\" in before:
        word, start = word_at(lower, word_end)
        if not word.isascii():
            return word + data[word_end:end].decode("utf-8", "replace"), start
        if (escape := _ESCAPE.match(data, begin - 1)) is not None and escape.end() <= start:
            # The last letter of an escaped character does not belong to the name.
            begin = escape.end()
    if data[begin - 1 : begin] in (b" ", b"0") and (first := _FIRST_WORD.search(data, max(0, begin - 20), begin)):
        # "seed phrase", "recovery phrase": the word before it belongs to the name.
        begin = first.start()
    return data[begin:end].decode("utf-8", "replace").replace("%20", " "), begin


def _value_before(data: bytes, lower: bytes, word_end: int) -> Found | None:
    """Return a value that comes before its name: {"value": "x", "name": "password"}."""
    begin = max(0, word_end - _NEAR)
    near = lower[begin:word_end]
    places = sorted(at for word in _VALUE_WORDS for at in positions(near, word)) if b"value" in near else ()
    found = next(filter(None, (_VALUE_BEFORE.match(data, begin + at, word_end) for at in places)), None)
    rest = _REST_OF_NAME.match(data, word_end)
    if found is None or rest is None:
        return None
    name = (found["name"] + rest[0]).decode()
    kind, group = name_kind(name), "bare" if found["value"] is None else "value"
    is_secret = kind is NameKind.SECRET or (kind and looks_random(found[group].decode("utf-8", "replace")))
    return Found(*found.span(group), rule_of(name)) if is_secret else None


def _is_our_mark(data: bytes, begin: int) -> bool:
    """Whether a name is within the mark of a secret that was redacted."""
    before = data[max(0, begin - 40) : begin]
    mark = before.rfind(b"[redacted")
    return mark >= 0 and b"]" not in before[mark:]
