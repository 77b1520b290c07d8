"""Lines below a name that hold its secret: blocks and lists of YAML, here-documents, a word alone on a line. Pure."""

from __future__ import annotations

from typing import Final

from .late_patterns import late
from .placeholders import OPEN
from .secret_strings import OPENING, Label, Span, is_secret, looks_secret, read_string

_MOST_LINES: Final = 100
_MOST_BYTES: Final = 4096
_BREAK: Final = late(rb"\r?\n|(?:\\{1,8}r)?\\{1,8}n|(?:%0[dD])?%0[aA]")
_UP_TO_QUOTE: Final = late(rb"(?>[^\r\n\\%\"]++|\\(?![nr\\])|%(?!0[aAdD]))*+")
_ALONE: Final = late(rb"[ \t]*(?P<q>[\"']?)(?P<value>[^\s\"'=:,;|]{6,200}+)(?P=q)(?=[ \t]*(?:[\r\n,}]|\Z))")
_ITEM: Final = late(rb"[ \t]*-[ \t]+|[ \t]*[\"'](?=[^\"'\n]*[\"'],?[ \t]*\]?[ \t]*$)")
_KEY_LINE: Final = late(rb"[ \t]*[\"']?[\w.-]{1,60}[\"']?[ \t]?[:=](?:[ \t\r\n]|\Z)")
_VALUE_LINE: Final = late(rb"[ \t]*[\"']?(?:value|data|default)[\"']?:[ \t]+(?P<value>[^\s\"'{\[][^\s\"']{3,400})[ \t]*\Z")
# A mapping under a name: its other keys, and under a plural the values of all.
_ENTRY: Final = late(rb"[ \t]*[\"']?[\w.@-]{1,60}[\"']?:[ \t]+[\"']?(?P<value>[^\s\"'{\[][^\s\"']{3,400})[\"']?[ \t]*\Z")
_PLURAL: Final = ("passwords", "secrets", "credentials", "tokens", "_keys")
# The length of a string, as PHP dumps it.
_MEASURED: Final = late(rb"string\(\d{1,6}\)")
_HERE: Final = late(rb"(?:[\"']?\$\(cat )?<<[-~]?[\"']?(?P<end>\w{1,20})[\"']?[ \t]*(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)")


def here_document(data: bytes, at: int) -> Span | None:
    """Return the extent of the text between `<<EOT` and `EOT`; None without both."""
    here = _HERE.match(data, at) if data[at : at + 1] in b"<$\"'" else None
    end = data.find(here["end"], here.end(), here.end() + _MOST_BYTES) if here is not None else -1
    return (here.end(), end) if here is not None and end > 0 else None


def value_below(data: bytes, label: Label, at: int) -> Span | None:
    """Return the extent of the lines below a name that belong to it: they are indented further, or are items of a list."""
    begin = max(data.rfind(b"\n", 0, label.begin), data.rfind(b"\\n", 0, label.begin) + 1) + 1
    indent = len(data[begin : label.begin]) - len(data[begin : label.begin].lstrip(b" \t"))
    is_block, is_plural = label.below < 0, label.name.lower().endswith(_PLURAL)
    start = end = -1
    for _ in range(_MOST_LINES):
        line_break = _BREAK.match(data, at)
        if line_break is None:
            break
        line = _UP_TO_QUOTE.match(data, line_break.end())
        if line is None:
            break
        text = line[0]
        deeper = len(text) - len(text.lstrip(b" \t")) > indent or _MEASURED.search(text) is not None
        item = _ITEM.match(text)
        if start < 0 and not deeper and not is_block and (alone := _alone_below(data, line_break.end(), label)) is not None:
            return alone
        if not text.strip() and data[line.end() : line.end() + 1] != b'"':
            at = max(line.end(), at + 1)
            continue
        if deeper and start < 0 and not is_block and (only := _VALUE_LINE.match(text)) is not None:
            at = line_break.end() + only.start("value")
            return (
                (at, at + len(only["value"])) if is_secret(only["value"], label) and not OPEN.fullmatch(only["value"]) else None
            )
        if deeper and not is_block and item is None and _KEY_LINE.match(text):
            # A list may come before the mapping.
            entry = _ENTRY.match(text) if is_plural else None
            if entry is not None and looks_secret(entry["value"].decode("utf-8", "replace"), label):
                start = line_break.end() + entry.start("value") if start < 0 else start
                end = line_break.end() + entry.end("value")
            at = line.end()
            continue
        if not (deeper or (item is not None and not is_block)) or (not is_block and item is None and start >= 0):
            break
        if data[line.end() : line.end() + 1] == b'"':
            # A string on the line below its name, as some JSON writers break lines.
            opening = OPENING.match(data, line.end())
            if opening is None:
                break
            after, inner = read_string(data, opening)
            if start < 0 and not _MEASURED.sub(b"", text).strip(b" \t-[") and is_secret(inner, label):
                return line.end(), after
            break
        if start < 0:
            start = line_break.end() + (len(text) - len(text.lstrip(b" \t")) if item is None else item.end())
        end = line_break.end() + len(text.rstrip())
        at = line.end()
    if start < 0 or end <= start or OPEN.fullmatch(data[start:end]):
        return None
    return (start, end) if is_block or is_secret(data[start:end], label) else None


def _alone_below(data: bytes, at: int, label: Label) -> Span | None:
    """Return the extent of a word or string alone on the line below its name, not indented further, if it looks secret."""
    value = _ALONE.match(data, at)
    return value.span("value") if value is not None and looks_secret(value["value"].decode("utf-8", "replace"), label) else None
