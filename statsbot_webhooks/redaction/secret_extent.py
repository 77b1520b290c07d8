"""Secret extent: how far a named secret goes (a string, a word, a passphrase, a header's line, a YAML block, a list). Pure.

`labelled_secrets` finds the names; this module reads what follows them, and leaves placeholders and code alone. Each read is
bounded by a line or by a number of bytes.
"""

from __future__ import annotations

import re
from typing import Final

from .key_names import NameKind, looks_random
from .late_patterns import late
from .lines_below import here_document, value_below
from .placeholders import FAULT, HINT, OPEN, SENTENCE, is_code
from .said_values import is_login, said_value
from .secret_strings import LINE, OPENING, QUOTES, Label, Span, is_mixed, is_secret, looks_secret, read_string

_MOST_BYTES: Final = 4096
_MOST_LINES: Final = 100
_DEEPEST: Final = 6
# Between the parts of one string: 'a' 'b', "a" + "b", also across a line end; and between an old value and a new one.
_NEXT_PART: Final = late(rb"(?:\\['\"](?=['\"])|\s{0,60})(?:(?:[+.&]|->)\s{0,60}|\\\s{0,60})?(?=(?:[bBrRuUfF]{1,2})?[\"'`])")
# What follows a value that a delimiter ends: the next name, or the end of an element.
_NEXT: Final = r"(?!\s|\Z|/>|(?<=<)/[A-Za-z]|(?:(?<=[,;|])|(?<=[,;|][\"']))[\"'\\]?[A-Za-z_][A-Za-z_.-]{2,39}[\"']?[=:])"


def _bare(level: int) -> re.Pattern[bytes]:
    """Return the pattern of a value without quotes in a text that is escaped for URLs `level` times."""
    ends = rb"(?!(?:25){0,%d}(?:2[0267cC]|3[bB]|0[aAdD]))" % (level - 1) if level else b""
    return late(
        rb"(?:(?i:bearer|basic|bot|digest|token|apikey|negotiate|aws4-hmac-sha256)[ \t]++)?"
        rb"(?>\[redacted[^\]\n]{0,40}\]|[^\s,;&)}\]\"'<>%\\|`]++"
        # The end of a value in an address or in JSON within a text.
        rb"|%" + ends + rb"|\\(?![\"'`nrt]|u00(?:2[267]|0[aAdD])|x2[267]|x0[aAdD])"
        # A delimiter belongs to the value unless the text after it shows that the value is over.
        rb"|&(?!(?:amp;){0,2}(?:quot|apos|lt|gt|nbsp|#\d\d|[\w.-]{1,40}=))(?!\s|\Z|[A-Za-z_][\w.-]{0,40}=)"
        rb"|[,;)}\]\"'<>|`]++" + _NEXT.encode() + rb")++"
    )


_BARE: Final = _bare(3)
_BARE_AT: Final = tuple(map(_bare, range(4)))
_EQUALS: Final = late(rb"%(?:25){0,3}3[dD]")
# Before a value of a form or of an address.
_QUERY: Final = late(rb"(?:[?&]|&amp;|[&?]\w{1,20}\[)\Z")
_WORD: Final = late(rb"[^\s\"'\\]++")
_IN_BRACKETS: Final = late(
    rb"[\[{]{1,2}\s?(?:(?:value|data|default|plain\w{0,8})[ ]?[:=][ ]?)?"
    rb"(?P<value>(?P<first>[\w+/=.~!#$%*@^-]{8,200}+)(?:,[ ]?[\w+/=.~!#$%*@^-]{1,200}+){0,20})\s?(?:[\]}]|\Z|(?<=\n))"
)
# Keys of the secret in a mapping under a secret's name.
_VALUE_KEY: Final = late(rb"(?i:value|data|default|plain\w{0,8})")
_OPEN_GROUP: Final = late(rb"(?:\[\]byte)?\(\s{0,40}(?=[bBrRuUfF]{0,2}[\"'])")
_MORE: Final = late(rb"[,;&/ ]{1,2}([^\s,;&=:\"']{6,})(?![=:\w])")
_AFTER_ESCAPE: Final = late(rb"\\+[nrt](?=[\w!#$%*+@^~-])[^\s,;&)}\]\"'<>%\\|`=:]++(?![=:])")
_ARGUMENT: Final = late(rb"(?:new )?[\w.]{1,60}\([ ]?(?:\w{1,20}=)?(?=[bBrRuUfF]{0,2}[\"'])")
_OTHERWISE: Final = late(rb"[\w.:]{1,60}\([^()\n]{0,80}\)\s(?:or|\|\||\?\?)\s(?=[\"'`])")
_NEXT_NAME: Final = late(rb"[A-Za-z][\w.-]{0,40}=(?!=)")
# Between the brackets and strings of a list or mapping.
_NO_SIGNS: Final = late(rb"[^\[\]{}\"'`\\%&]+")
_NUMBERS: Final = late(rb"-?[\d.,:%]{1,5}(?![\w.])")
# An annotation: a type follows the colon, and the value comes after the equals sign.
_TYPE: Final = late(
    rb"[A-Za-z_][\w.]{0,30}(?:\[[\w., "
    rb"|\[\]]{1,60}\])?(?:[ ]\|[ ][\w.\[\]]{1,30}){0,3}[ ]{0,2}=[ ]{0,2}(?=[bBrRuUfF]{0,2}[\"']|[\w.]{1,40}\()"
)
# The length that a dump puts before a string, and calls that only wrap one.
_MEASURED: Final = late(rb"(?:(?i:string|str|s)[(:]\d{1,6}[):]|0x[0-9a-f]{1,16}|lambda:)[ ]?(?=[\"'])")
_WRAPPER: Final = late(
    rb"(?:new )?(?i:some|just|secret\w*|bytearray|memoryview|bytes|password|crypt|string|text|n?varchar|b64\w*|encrypt\w*"
    rb"|hash\w*|md5|sha\d*)\("
)
# Words that begin a sentence and not the rest of a passphrase.
_STOP: Final = late(
    rb"(?i:and|or|but|nor|for|from|is|was|are|were|be|been|in|at|on|to|of|off|the|an?|not|no|ok|okay|with"
    rb"|without|as|by|then|than|that|this|it"
    rb"|if|when|while|after|before|because|so|must|should|shall|may|might|can|cannot|could|will|would|does|do"
    rb"|did|has|have|had|too|via"
    rb"|expected|required|invalid|expired|missing|failed|failure|incorrect|wrong|please|enter|unable|unknown"
    rb"|error|only|also|again"
    rb"|rejected|accepted|refused|denied|changed|updated|und|oder|f\xc3\xbcr|ist|nicht|de|la|el)(?![\w])"
)
_WORDS: Final = late(rb"[^\W\d_]{2,}(?:[-'][^\W\d_]+)?(?![\w=:@.(])")
_TAIL: Final = late(rb"[ \t]+(?:(?![\w.-]{1,40}[ ]?[=:](?![/:]))[^\s\"'`\\|<>;]+(?:[ \t]+|(?=[\r\n\"'`\\|<>;]|\Z)))*")
_PHRASES: Final = late("phrase|mnemonic|seed|recovery|words", re.I)
_SIGNED: Final = late(rb"(?:\w{1,10}=[\w+/=-]{4,200},){1,4}\w{1,10}=[\w+/=-]{16,200}")
_SCHEME: Final = late(rb"(?i:token|basic|bearer|bot)[ \t]+[^\s\"']")
_HEADERS: Final = late(r"cookie|authorization", re.I)
_YAML_MARK: Final = late(rb"(?:!![a-z]{2,12}|&\w{1,30})[ ]{1,3}(?=[^\s])")
_BLOCK: Final = late(rb"(?:[!&][\w!]{1,30}[ ])?[|>][+-]?\d?[ \t]*(?=\\*[nr]|[\r\n]|%0[aAdD])")
# A block of code in Markdown.
_FENCE: Final = late(rb"```\w{0,12}\r?\n(?P<value>[^\n`]{4,400})")
_RECORD: Final = late(rb"-\[ RECORD \d{1,9} \]")


def find_value(data: bytes, label: Label) -> Span | None:
    """Return the extent of the secret behind a name, None when there is none."""
    if (here := here_document(data, label.at)) is not None:
        return here
    if label.joint in ("prose", "word", "call", "path", "list"):
        return said_value(data, label)
    if label.joint in ("tag", "cell"):
        is_escaped = data.endswith(b"&gt;", 0, label.at)
        if data.startswith(b"<![CDATA[", label.at):
            end = data.find(b"]]>", label.at, label.at + _MOST_BYTES)
            return (label.at + 9, end) if end > 0 and is_secret(data[label.at + 9 : end], label) else None
        end = data.find(b"&lt;" if is_escaped else b"<", label.at, label.at + _MOST_BYTES)
        inner = data[label.at : max(end, 0)].strip()
        is_open = not inner or OPEN.fullmatch(inner) or HINT.match(inner)
        return (label.at, end) if not is_open and is_secret(inner, label) else None
    if label.joint == "form":
        line = LINE.match(data, label.at)
        return (label.at, line.end()) if line is not None and is_secret(line[0], label) else None
    if data.startswith(b"# ", label.at) and (comment := LINE.match(data, label.at)) is not None:
        return value_below(data, label._replace(below=comment.end()), comment.end())
    if (fence := _FENCE.match(data, label.at)) is not None:
        return fence.span("value") if is_secret(fence["value"], label) else None
    if label.below >= 0:
        return value_below(data, label, label.below)
    if data[label.at : label.at + 1] in b"|>!&" and (block := _BLOCK.match(data, label.at)):
        return value_below(data, label, block.end())
    return _assigned(data, label)


def _assigned(data: bytes, label: Label) -> Span | None:
    start, joint = label.at, data[label.begin + len(label.name.encode()) : label.at]
    around = data[label.begin - 1 : label.begin]
    if around and around in b"\"'" and around not in joint and data.startswith(around, start):
        # The quoted text that contains the name ends here.
        return None
    if around and around in b"\"'" and around not in joint and joint.endswith(b"="):
        # "NAME=value" as a whole in quotes.
        inner = _WORD.match(data, start)
        if inner is not None and data.startswith(around, inner.end()) and not OPEN.fullmatch(inner[0]):
            return inner.span() if is_secret(inner[0], label) else None
    if annotation := _TYPE.match(data, start):
        start = annotation.end()
    elif measured := _MEASURED.match(data, start):
        start = measured.end()
    if data[start : start + 1] in b"!&" and (mark := _YAML_MARK.match(data, start)) is not None:
        start = mark.end()
    if (group := _OPEN_GROUP.match(data, start)) is not None:
        start = group.end()
    if _is_open(data, start, label):
        return None
    if joint in (b"\xe6\x98\xaf", b"\xe3\x81\xaf", b"\xeb\x8a\x94 ", b"\xec\x9d\x80 ") and data[start : start + 1] > b"\x7f":
        # A sentence goes on in its language.
        return None
    level = _level(data, joint, label)
    opening = OPENING.match(data, start)
    if opening is not None and (level or not opening["q"].startswith(b"%")):
        return _quoted(data, start, opening, label)
    if data[start : start + 1] in b"[{":
        return _bracketed(data, start, label) or _alone_in_brackets(data, start) or _with_bracket(data, start, label)
    if annotation is not None and not _ARGUMENT.match(data, start):
        return None
    if is_code(data, label.begin, start):
        # Of a call only its string argument, when it looks like a secret.
        argument = _OTHERWISE.match(data, start) or _ARGUMENT.match(data, start)
        opening = OPENING.match(data, argument.end()) if argument is not None else None
        if argument is None or opening is None:
            return None
        end, inner = read_string(data, opening)
        if _is_template(data, argument.end(), opening, inner):
            return None
        is_whole = _WRAPPER.match(data, start) is not None and is_secret(inner, label) and not OPEN.fullmatch(inner)
        return (opening.start(), end) if is_whole or looks_secret(inner.decode("utf-8", "replace"), label) else None
    value = (_WORD if label.joint == "option" else _BARE_AT[level]).match(data, start)
    if value is None:
        return None
    end = _past_escape(data, value.end())
    if _HEADERS.search(label.name) and label.kind is NameKind.SECRET:
        if label.name.lower() == "cookie" and joint == b": " and value[0].isalpha():
            # Of a fortune cookie.
            return None
        return start, max(end, _header_end(data, start, label))
    core = data[start:end]
    if joint.rstrip()[-1:] == b":" and (
        SENTENCE.match(data, start) or (core.isalpha() and FAULT.search(data, max(0, label.begin - 30), label.begin))
    ):
        return None
    if joint[:1] == b"=" and joint[-1:] == b" " and _NEXT_NAME.match(core):
        # The value is empty, and the next name follows.
        return None
    if core.startswith((b"http://", b"https://")) and b"@" not in core and joint[:1] == b":":
        # The address of a page about it.
        return None
    if ((b"|" in joint or b"\xe2\x94\x82" in joint) and not _RECORD.search(data, 0, label.begin)) or b"->" in joint:
        return (start, end) if looks_secret(core.decode("utf-8", "replace"), label) else None
    if label.kind is NameKind.AMBIGUOUS:
        if "sig" in label.name.lower() and (signed := _SIGNED.match(data, start)) is not None:
            return signed.span()
        # The next columns of a table may be joined to it.
        is_found = is_secret(core, label) and any(is_secret(part, label) for part in core.split(b","))
        return (start, end) if is_found or is_login(data, core, label) else None
    if not is_secret(core, label) or (_NUMBERS.fullmatch(core) and "token" in label.name.lower()):
        return None
    return start, _phrase_end(data, start, end, label)


def _level(data: bytes, joint: bytes, label: Label) -> int:
    """Return how often a value is escaped for URLs, so that its own signs are escaped once more."""
    if joint == b"=" and _QUERY.search(data, max(0, label.begin - 24), label.begin) is not None:
        return 0
    escaped = _EQUALS.search(joint)
    return 1 + min(escaped[0].count(b"25"), 2) if escaped is not None else 3


def _is_open(data: bytes, start: int, label: Label) -> bool:
    """Whether the value is a placeholder or empty."""
    if start >= len(data):
        return True
    if (found := OPEN.match(data, start)) is not None:
        inner = found[0].strip(b"{}").decode("utf-8", "replace")
        # A value in braces and the scheme of a header are not placeholders.
        is_value = found[0][:1] == b"{" and (looks_random(inner) or is_mixed(inner))
        return not is_value and not (_HEADERS.search(label.name) and _SCHEME.match(data, start))
    # PWD is the shell's working directory.
    return label.name.lower().endswith("pwd") and data[start : start + 1] in b"/~"


def _quoted(data: bytes, start: int, opening: re.Match[bytes], label: Label) -> Span | None:
    end, inner = read_string(data, opening)
    secrets = inner
    for _ in range(_MOST_LINES):
        part = _NEXT_PART.match(data, end)
        next_opening = OPENING.match(data, part.end()) if part is not None else None
        if (
            part is None
            or next_opening is None
            or next_opening["q"] != opening["q"]
            or not (secrets or part[0])
            or end - start > _MOST_BYTES
        ):
            break
        end, inner = read_string(data, next_opening)
        secrets += inner
    if not secrets and data[end : end + 1].isalnum() and (value := _BARE.match(data, end)) is not None:
        # Empty quotes directly before the value, which a shell joins.
        return (end, value.end()) if is_secret(value[0], label) else None
    if opening["q"] == b"`" and b" " in secrets and data[start - 1 : start] == b"=":
        # The output of a command.
        return None
    if not secrets.strip(b" )]};:,\n") or OPEN.fullmatch(secrets) or HINT.match(secrets):
        return None
    if _is_template(data, start, opening, secrets) or (len(secrets) < 3 and data[label.at - 3 : label.at] == b"== "):
        return None
    return (start, end) if is_secret(secrets, label) or is_login(data, secrets, label) else None


def _is_template(data: bytes, start: int, opening: re.Match[bytes], inner: bytes) -> bool:
    """Whether a string is an f-string in source code, without the values in its gaps."""
    return b"{" in inner and b"f" in data[start : opening.start("q")].lower()


def _bracketed(data: bytes, start: int, label: Label) -> Span | None:
    """Return the extent from the first secret string of a list or mapping under a name to the last."""
    first, last, at, depth, key = -1, -1, start, 0, b""
    for _ in range(400):
        char = data[at : at + 1]
        if not char or at - start > _MOST_BYTES:
            break
        if char in b"[{":
            depth += 1
            if depth > _DEEPEST:
                break
        elif char in b"]}":
            depth -= 1
            if depth == 0:
                break
        elif opening := OPENING.match(data, at):
            end, inner = read_string(data, opening)
            is_key = data[end : end + 3].lstrip()[:1] in (b":", b"=")
            # A list, a set, or {"passwords": {"db": …}}.
            is_list = (
                data[start : start + 1] == b"["
                or label.name.lower().endswith("passwords")
                or (label.name.lower().endswith(("secrets", "credentials")) and is_mixed(inner.decode("utf-8", "replace")))
                or (first < 0 and not is_key and at == start + 1)
            )
            plural = label.kind is NameKind.SECRET and (is_list or _VALUE_KEY.fullmatch(key) is not None)
            key = inner if is_key else b""
            is_open = not inner or OPEN.fullmatch(inner) or HINT.match(inner)
            if not is_key and not is_open and (plural or looks_random(inner.decode("utf-8", "replace"))):
                first, last = at if first < 0 else first, end
            at = max(end, at + 1)
            continue
        skip = _NO_SIGNS.match(data, at + 1)
        at = skip.end() if skip is not None else at + 1
    return (first, last) if first >= 0 else None


def _alone_in_brackets(data: bytes, start: int) -> Span | None:
    """Return the extent of a value in brackets without quotes, when it looks like a secret."""
    value = _IN_BRACKETS.match(data, start)
    return value.span("value") if value is not None and looks_random(value["first"].decode("utf-8", "replace")) else None


def _with_bracket(data: bytes, start: int, label: Label) -> Span | None:
    """Return the extent of a password that only begins with a bracket."""
    value = _BARE.match(data, start + 1)
    if value is None or label.kind is not NameKind.SECRET or b'"' in value[0] or b"'" in value[0]:
        return None
    text = value[0].decode("utf-8", "replace")
    return (start, value.end()) if len(text) >= 8 and (looks_random(text) or is_mixed(text)) else None


def _past_escape(data: bytes, end: int) -> int:
    """Return the end of a value that contains an escape, such as a backslash before an n, so that no part remains."""
    more = _AFTER_ESCAPE.match(data, end)
    if more is None or not any(48 <= byte <= 57 for byte in more[0]):
        return end
    return more.end()


def _header_end(data: bytes, start: int, label: Label) -> int:
    """Return the end of a header: of its line or, in a quoted header, of the quote."""
    line = LINE.match(data, start)
    if line is None:
        return start
    before = data[max(0, label.begin - 9) : label.begin]
    if before[-1:] in (b'"', b"'", b"`"):
        depth = len(before) - 1 - len(before[:-1].rstrip(b"\\"))
        for found in QUOTES.finditer(data, start, line.end()):
            if found[2] == before[-1:] and len(found[1]) <= depth:
                return found.start()
        return line.end()
    # An unquoted name within a string: the header ends with the string.
    if data[start : start + 1] not in b"\"'":
        begin = data.rfind(b"\n", 0, label.begin) + 1
        for char in (b'"', b"'"):
            if data.count(char, begin, label.begin) % 2 and (end := data.find(char, start, line.end())) >= 0:
                return end
    return line.end()


def _phrase_end(data: bytes, start: int, end: int, label: Label) -> int:
    """Return the end of a passphrase: of the line, or before the next name; of the word when a sentence follows."""
    core = data[start:end]
    while (
        (more := _MORE.match(data, end))
        and data[end : end + 1] in b",;&/"
        and looks_random(more[1].decode("utf-8", "replace"), 6)
    ):
        end = more.end()
    if data[end : end + 1] not in (b" ", b"\t"):
        return end
    is_phrase = _PHRASES.search(label.name) is not None
    begins_line = not data[data.rfind(b"\n", 0, label.begin) + 1 : label.begin].strip(b" \t-*>#$\"'")
    is_line = begins_line and data[label.at - 1 : label.at] in (b" ", b"\t")
    if not is_phrase and not _WORDS.fullmatch(core) and not is_line:
        return end
    tail = _TAIL.match(data, end)
    words = tail[0].split(None, 1) if tail is not None else []
    if not words or tail is None or (not is_phrase and _STOP.match(words[0])) or words[0].startswith((b"#", b"(", b"-", b"//")):
        return end
    return start + len(data[start : tail.end()].rstrip(b" \t.,"))
