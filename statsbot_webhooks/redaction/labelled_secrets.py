"""Secrets by what stands before them: `password=…`, `"token": "…"`, "the password is …", an option, a tag, a table, a form. Pure.

Here is how a name and what joins it to its value are found, however they are escaped; `secret_extent` says how far the value
goes, and `key_names` which names count. For each word that a text has at all, one pattern looks behind each of its places; what
it reads there is bounded, so that the time is in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache, partial
from typing import Final
from unicodedata import normalize

from .key_names import AMBIGUOUS_WORDS, SECRET_WORDS, NameKind, name_kind, rule_of
from .scanner import Found, PrefixTree, replace_all
from .secret_extent import Label, find_value

_NAME_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
_LONGEST_NAME: Final = 64
# What writers put for a quote, a blank and the end of a line: JSON and repr of several levels, URLs, HTML, quoted-printable.
_QUOTE: Final = (
    r"(?>[\"'`]|\\{1,8}+(?:[\"'`]|(?:u002|x2)[27])|%(?:25){0,3}2[27]|&(?:amp;){0,2}(?:quot|apos|#0?3[49]|#x2[27]);|=22"
    r"|\xe2\x80[\x98-\x9f]|\xc2[\xab\xbb])"
)
_BLANK: Final = r"(?>[ \t+]|%(?:25){0,3}20|&nbsp;|\\{1,8}+(?:t|u0020|x20|u0009)|=20|\xc2\xa0)"
_LINE_END: Final = (
    r"(?>\r?\n|\\{1,8}+r\\{1,8}+n|\\{1,8}+[nr]|(?:%(?:25){0,3}0d)?%(?:25){0,3}0a|(?:=0d)?=0a|\\{1,8}+u000a|<br ?/?>|#012)"
)
# An equals sign or a colon, in the wide forms of Chinese and Japanese too.
_JOINT: Final = (
    r"(?>:=|:|=>|={1,3}>{0,2}(?:3d)?|->|\||\\{1,2}[=:](?![\\/])|\xe3\x81\xaf|%(?:25){0,3}3[da]"
    r"|\\{1,8}+(?:u003|x3)[da]|&(?:equals|colon|#61|#58|#x3d|#x3a);|\xef\xbc[\x9d\x9a]|\xe6\x98\xaf|\xe4\xb8\xba)"
)
_VALUE_WORD: Final = r"(?=[\"'`(]{0,2}[^\s\d]{0,40}+\d)(?=[\"'`(]{0,2}[^\s]{6})"
_VERB: Final = (
    r"(?>(?:was |has been |is )?(?:changed|set|reset|updated|rotated)[ \t]{1,3}(?:from|to|as)(?=[ \t])"
    r"|(?:is|was|are|ist|lautet|war|est|es|equals|to|value)(?:[ \t]{1,3}(?:now|jetzt))?:?(?=[ \t]))"
)
# "Password for bob:", "Password (admin):"
_WHOSE: Final = (
    r"(?:[ \t]{1,2}(?:for|of|von|f\xc3\xbcr|de|pour|para|di)[ \t]{1,2}[\"']?[\w.@-]{1,60}+[\"']?(?=[ \t]{0,2}:)"
    r"|[ \t]?[(\[][\w.@ -]{1,40}+[)\]](?=[ \t]{0,2}[:=]))"
)
_ASSIGN: Final = rf"(?:{_BLANK}){{0,5}}+{_JOINT}(?:{_BLANK}){{0,8}}+(?P<below>{_LINE_END}[ \t]{{0,40}}+(?:- )?)?"
# Behind the rest of the name stands what joins it to its value; all else is left by the pattern itself. Each alternative begins
# with a class of characters, by which most are skipped.
_TAIL: Final = (
    rf"(?:[\w.-]{{0,48}}+(?:\[\]|\(s\))?(?:"
    # name=, name: , "name": , ["name"] = , \"name\": , name%3D, $name = , name => , | name |
    rf"(?P<assign>(?:(?=[=:|\xef\xe6\xe4\xe3])|(?=[\"'`\]\\%&\xe2\xc2])(?:{_QUOTE}){{0,2}}+\]?"
    rf"|(?=[ \t+])(?:{_BLANK}){{1,5}}+(?=[=:|%\\&\xef-])|(?=[ \t(\[]){_WHOSE}){_ASSIGN})"
    # name: password, value: ...; variable "password" { default = ... }; <input type="password" value=...>
    rf"|(?P<valued>(?:{_QUOTE})?[\]}}]?(?>[ \t,;{{]|{_LINE_END}){{1,24}}+"
    rf"(?:(?:{_QUOTE})?\w{{1,20}}(?:{_QUOTE})?[ ]?[=:][ ]?(?:{_QUOTE})?[\w./-]{{1,40}}(?:{_QUOTE})?"
    rf"(?>[ \t,;]|{_LINE_END}){{1,24}}+){{0,3}}?"
    rf"(?:{_QUOTE})?(?:value|default|content)(?:{_QUOTE})?[ \t]{{0,3}}[=:][ \t]{{0,3}})"
    # "name", "value" of a list of pairs; key='name' value='…'; a field of a form
    rf"|(?P<pair>{_QUOTE}\)?(?:{_BLANK}){{0,3}}+[,;]?(?>{_BLANK}|{_LINE_END}){{0,3}}+"
    rf"(?:{_QUOTE}?value{_QUOTE}?(?:{_BLANK}){{0,3}}+[=:](?:{_BLANK}){{0,3}}+|(?<=[,; ])(?=b?{_QUOTE})))"
    rf"|(?P<form>[\"'](?:;[^\r\n\\]{{0,80}})?{_LINE_END}{_LINE_END})"
    r"|(?P<tag>[\"']?>|&gt;|</key>[ \t\r\n]{0,20}<string>|[ \t][^<>\n \t]{1,40}=[^<>\n]{0,80}>)"
    rf"|(?P<call>[ \t]?\([ \t]?{_VALUE_WORD})"
    rf"|(?P<prose>[ \t]{{1,3}}+(?:(?:for|of|to|on|von|f\xc3\xbcr|de)(?:[ \t]{{1,3}}[\"']?[\w.@-]{{1,40}}+[\"']?){{1,2}}?"
    rf"[ \t]{{1,3}}+){{0,2}}?"
    rf"{_VERB}[ \t]{{1,3}}+)"
    rf"|(?P<path>/(?=[\w-]{{16}})(?={_VALUE_WORD}))"
    rf"|(?P<word>(?:[ \t]{{1,3}}+|[;~,]|[ \t]{{0,3}}(?:>{{2,3}}|\.{{3,20}}|\xe2\x80[\x93\x94])[ \t]{{0,3}}"
    rf"|[ \t]{{0,3}}{_LINE_END}[ \t]{{0,8}})(?=[\"'`]|{_VALUE_WORD}))"
    rf")|(?<=OPTION)[\w-]{{0,30}}+(?P<option>(?>[ \t]{{1,4}}|[\"'],[ \t]?(?=[\"']))(?=[^\s-])))"
)


def _cases(word: str) -> Iterable[str]:
    """Return a word as the scan sees it, which lowers the letters of ASCII only."""
    # A dotted capital I of Turkish is one letter.
    forms = [word] if word.isascii() else [word, word.upper(), word.capitalize(), normalize("NFC", word.upper())]
    return ("".join(char.lower() if char.isascii() else char for char in form) for form in forms)


def _bare(word: str) -> str:
    return word.removesuffix("=").removesuffix("%3d")


@cache
def _tail(*, is_option: bool) -> re.Pattern[bytes]:
    """Return the pattern of what follows a word, behind a hyphen or not. Made when first asked for: it takes milliseconds."""
    return re.compile(_TAIL.replace("(?<=OPTION)", "" if is_option else "(?!)").encode("latin-1"))


@cache
def _word_and_tail(word: str) -> re.Pattern[bytes]:
    """Return the pattern of a word and what follows it, for texts that have the word very often."""
    word = _bare(word)
    forms = sorted({form.encode() for form in _cases(word)})
    words = "|".join(re.escape(form).decode("latin-1") for form in forms)
    option = f"-{re.escape(word)}" if word.isascii() else "(?!)"
    tail = _TAIL.replace("(?<=OPTION)", f"(?<={option})" if word.isascii() else "(?!)")
    return re.compile(((words if len(forms) == 1 else f"(?:{words})") + tail).encode("latin-1"))


# A word that begins with another is found by it.
_WORDS: Final = [
    word
    for word in sorted({*SECRET_WORDS, *AMBIGUOUS_WORDS}, key=len)
    if not any(other != word and other in word for other in (*SECRET_WORDS, *AMBIGUOUS_WORDS))
]
_ASCII_WORDS: Final = tuple(word for word in _WORDS if word.isascii())
_OTHER_WORDS: Final = tuple(word for word in _WORDS if not word.isascii())
# A place costs a microsecond when there is no secret, and three when there is.
_MOST_PLACES: Final = 4000
# How far a value is looked for at each: nearly always as far as the second, in a text of thousands of places as the first.
_NEAR: Final = 400
_FAR: Final = 4096
_MOST_READ: Final = 1_000_000
_MOST_FAR: Final = 100
_MOST_WHOLE: Final = 10
_MARGIN: Final = 16
# A secret in each so many bytes.
_MOST_DENSE: Final = 60
_SAMPLE: Final = 4096
_ANY_NAMED: Final = re.compile(
    rb"[=:](?<=[\w\"'\])][=:])(?<!\[redacted:)[ \t]{0,8}+(?:[\r\n]{1,2}[ \t]{0,40}+)?"
    rb"(?:\"[^\"\n]*+\"?|'[^'\n]*+'?|[^\s\"']++)[\s,;]?"
)
_ESCAPE: Final = re.compile(
    rb"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{3}|[abefnrtv0])|%(?:25){0,3}[0-9A-Fa-f]{2}|=[0-9A-F]{2}|\[\d{0,3}m"
)
_PAIR: Final = re.compile(rb"[(\[{]\s{0,3}b?\\{0,8}[\"']\Z")
# What stands before the name of a value that is elsewhere, and before the name of an element.
_NAMED: Final = re.compile(
    rb"(?i:name|key|id|type|variable|field|param|setting)[\"'\\]{0,3}[ \t]{0,3}[=:]?[ \t]{0,3}[\"'\\]{0,3}\Z"
)
_PART_OF_PATH: Final = re.compile(r"[a-z]+(?:[-_][a-z]+)*")
_TAG: Final = re.compile(rb"(?:<|&lt;)(?:[\w-]{1,20}:)?\Z|(?i:name|key)=[\"']\Z|<(?i:key)>\Z")
_FIRST_WORD: Final = re.compile(
    rb"(?i:seed|recovery|backup|secret|mnemonic|wallet|mot de|api|access|private|encryption|signing|master|license|client) \Z"
)


@cache
def _any_word() -> re.Pattern[str]:
    tree = PrefixTree()
    for word in _ASCII_WORDS:
        tree.add(word, "")
    return re.compile(tree.pattern())


# What most texts need; each is built by its first call.
LARGE_PATTERNS: Final = (_any_word, partial(_tail, is_option=False), partial(_tail, is_option=True))


def may_have_word(text: str) -> bool:
    """Whether a text in lower case has one of the words; False is sure."""
    return _any_word().search(text) is not None or (not text.isascii() and any(word in text for word in _OTHER_WORDS))


def words_of(text: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the words that a text in lower case has, how often each, and those that it has too often to look at each place."""
    names = [word for word in _ASCII_WORDS if word in text]
    if not text.isascii():
        names += [word for word in _OTHER_WORDS if word in text]
    if len(text) < _MOST_PLACES:
        return [(name, 0) for name in names], []
    sparse, dense, places = list[tuple[str, int]](), list[tuple[str, int]](), 0
    for count, name in sorted((text.count(name), name) for name in names):
        places += count
        (dense if places > _MOST_PLACES else sparse).append((name, count))
    return sparse, dense


def replace_named(data: bytes, words: Sequence[tuple[str, int]]) -> bytes:
    """Return a text without what follows these words, of which it has very many, where a sign of equality joins them."""
    if sum(count for _, count in words) * _MOST_DENSE > len(data) and _is_list(data, words):
        return replace_all(data, _ANY_NAMED.finditer(data), "named value", gap=_LONGEST_NAME)
    for word, _ in words:
        data = replace_all(data, _in_one_go(word).finditer(data.lower()), "named value")
    return data


def _is_list(data: bytes, words: Iterable[tuple[str, int]]) -> bool:
    """Whether a text is a list of names and secrets, by some parts of it: then what is behind any name goes."""
    lower = b"\n".join(data[at : at + _SAMPLE] for at in range(0, len(data), max(_SAMPLE, len(data) // 8))).lower()
    return sum(1 for word, _ in words for _ in _in_one_go(word).finditer(lower)) * _MOST_DENSE > len(lower)


@lru_cache(maxsize=128)
def _in_one_go(word: str) -> re.Pattern[bytes]:
    """Return the pattern of a word and its value, for texts in lower case: its first letters are looked for at once."""
    strong = word in SECRET_WORDS or word == "pass"
    value = rb"" if strong else rb"(?=[^\s]{8})(?=[^\s\d=]{0,40}+\d{1,8}+[A-Za-z]{1,8}+\d)"
    forms = sorted({re.escape(_bare(form).encode()) for form in _cases(word)})
    return re.compile(
        # Several that follow each other become one mark, so that the text does not grow.
        (forms[0] if len(forms) == 1 else b"(?:" + b"|".join(forms) + b")")
        + rb"(?:[\w.-]{0,20}+[\"']{0,2}\]?[ ]{0,3}(?:[=:]|%3d)(?<!nt=|nt:|ed=|ed:|it=|it:|id=|id:)[ ]{0,3}"
        + value
        + rb"(?:\"[^\"\n]*+\"?|'[^'\n]*+'?|(?![$<{\[]|none|null|true|false|str\b|\d{1,5}\b)[^\s]++))[\s,;]?",
    )


def find_named(data: bytes, words: Sequence[tuple[str, int]]) -> list[Found]:
    """Return the secrets that a name before them gives away, for each of these words; some may lie within others."""
    lower, found, reader = data.lower(), list[Found](), _ValueReader(data, sum(count for _, count in words))
    for word, count in words:
        done = 0
        for at in _places(lower, word, count):
            if at[0] >= done and (secret := _read(reader, *at)) is not None:
                found.append(secret)
                done = secret.end
    return found


def _places(lower: bytes, word: str, count: int) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Yield where a word begins that has a joint behind it, and that joint."""
    if not word.isascii() or count * 5000 > len(lower):
        yield from ((match.start(), match) for match in _word_and_tail(word).finditer(lower))
        return
    # For few places in a long text this is ten times as fast, and all words share a pattern.
    needle, at = word.encode(), -1
    size = len(_bare(word))
    while (at := lower.find(needle, at + 1)) >= 0:
        if (match := _tail(is_option=lower[at - 1 : at] == b"-").match(lower, at + size)) is not None:
            yield at, match


class _ValueReader:
    """Values of one text. Each is looked for within so many bytes that all together cost no more than the text does."""

    def __init__(self, data: bytes, places: int) -> None:
        self.data = data
        self._near = min(_FAR, max(_NEAR, _MOST_READ // (places + 1)))
        # It may go on behind them. Few do in a text that is no attack.
        self._further = {_FAR: _MOST_FAR, len(data): _MOST_WHOLE}

    def value(self, label: Label) -> tuple[int, int] | None:
        """Return where the value behind a name is, if it is secret."""
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


def _read(reader: _ValueReader, at: int, match: re.Match[bytes]) -> Found | None:
    """Return the secret behind the name around `at`, if what is there is one."""
    data = reader.data
    joint = match.lastgroup or ""
    end = match.start(joint)
    before = data[max(0, at - _LONGEST_NAME) : at]
    begin = at - (len(before) - len(before.rstrip(_NAME_BYTES)))
    if begin == at and (first := _FIRST_WORD.search(before)) is not None:
        # "seed phrase", "recovery phrase": the word before it belongs to the name.
        begin -= len(before) - first.start()
    if (escape := _ESCAPE.match(data, begin - 1)) is not None and escape.end() <= at:
        # The last letter of what a writer puts for a character is none of the name.
        begin = escape.end()
    name = data[begin:end].decode("utf-8", "replace")
    kind = name_kind(name.strip(".-"))
    if kind is NameKind.HARMLESS or _is_our_mark(data, begin):
        return None
    if joint in ("word", "pair") and name.startswith("-"):
        joint = "option"
    if (
        joint == "pair"
        and (b"value" not in match["pair"])
        and (b"." in name.encode() or not _PAIR.search(data, max(0, begin - 12), begin))
    ):
        # A list of names, not a name and its value.
        return None
    if joint == "path" and not _PART_OF_PATH.fullmatch(name):
        return None
    if joint == "valued" and not _NAMED.search(data, max(0, begin - 24), begin):
        return None
    if (joint == "tag" and not _TAG.search(data, max(0, begin - 24), begin)) or (joint == "option" and not name.startswith("-")):
        return None
    below = match.start("below") if match["below"] is not None else -1
    value = reader.value(Label(name, begin, match.end(), kind, joint, below))
    return Found(value[0], value[1], rule_of(name)) if value is not None else None


def _is_our_mark(data: bytes, begin: int) -> bool:
    """Whether a name is within what stands for a secret already."""
    before = data[max(0, begin - 40) : begin]
    mark = before.rfind(b"[redacted")
    return mark >= 0 and b"]" not in before[mark:]
