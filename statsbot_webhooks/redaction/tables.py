"""Tables: secrets in columns of CSV, TSV, Markdown, `psql` and `mysql`, in aligned columns and in lists of rows. Pure.

A line of names with a secret's name among them makes the lines below it a table, as long as they have as many cells.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Final

from .key_names import NameKind, looks_random, name_kind
from .late_patterns import late
from .placeholders import OPEN
from .secret_strings import is_mixed
from .signs import Found, positions

# How many lines with a secret's name may begin no table before the search ends.
_MOST_OTHERS: Final = 1000
_LONGEST_LINE: Final = 600
# Each alternative begins with a fixed byte, so that `re` can skip to it; `\r?` would be tried at every byte.
_BREAK: Final = late(rb"\n|\r\n|\\n|\\r\\n")
_THICK, _THIN = "┃".encode(), "│".encode()
_DELIMITERS: Final = (b"\t", b"\\t", b"|", _THIN, b";", b",")
_NAME: Final = late(rb"[\w.-]{1,40}(?: [\w.-]{1,20}){0,2}")
_LAST_WORD: Final = late(rb"(?:[^\n]*[\s\"'`>])?(?P<name>[\w.-]{1,40})")
# A line of a frame, and the line below the names in Markdown.
_RULE: Final = late(rb"(?:[\s|+:=-]|\xe2[\x94\x95][\x80-\xbf])+")
_COLUMNS: Final = late(rb"[^\s]+(?: [^\s]+)*")
_AROUND: Final = b" \t\"'`*"
_LIST: Final = late(rb"[\[(]\s?(?P<names>[\"'][\w .-]{1,40}[\"'](?:,\s?[\"'][\w .-]{1,40}[\"']){1,40})\s?[\])]")
_ROW: Final = late(rb"[^\[\]()\n]{0,40}[\[(]{1,2}(?P<row>[^\[\]()\n]{1,600})[\])]")
_ITEM: Final = late(rb"\"[^\"\n]*\"|'[^'\n]*'|[^\s,\"'][^,\"']*")


# The value of a name in the source line above, as loguru and better_exceptions point at it.
_POINTERS: Final = ("└ ".encode(), b"-> ")
_LINES: Final = " |│".encode()
_POINTED: Final = late(rb"[^\n]{1,300}")
_NAME_AT: Final = late(r"(?<!\w)[A-Za-z_]\w{1,40}")


def find_in_tables(data: bytes, ends: Sequence[int]) -> Iterator[Found]:
    """Yield the cells below names of secrets. `ends` are those of words for secrets."""
    if not (b"\n" in data or b"\\n" in data or b"]" in data or b")" in data):
        # Neither lines nor lists.
        return
    yield from _pointed(data)
    # Some frames have thicker lines around the names.
    data = data.replace(_THICK, _THIN)
    done = others = 0
    for end in ends:
        if end <= done:
            continue
        first = max(0, end - _LONGEST_LINE)
        breaks = [found + len(sign) for sign in (b"\n", b"\\n") if (found := data.rfind(sign, first, end)) >= 0]
        begin = max(breaks, default=first)
        line_break = _BREAK.search(data, end, end + _LONGEST_LINE)
        done = line_break.start() if line_break is not None else min(len(data), end + _LONGEST_LINE)
        yield from _rows_of_list(data, begin, done)
        others += 1
        if others > _MOST_OTHERS:
            return
        if line_break is None:
            continue
        header = data[begin:done]
        for delimiter in _DELIMITERS:
            if delimiter in header and (wanted := _wanted(header, delimiter)):
                done = yield from _rows(data, done, wanted, header.count(delimiter) + 1, delimiter)
                others -= 1
                break
        else:
            done = yield from _aligned(data, done, header)


def _pointed(data: bytes) -> Iterator[Found]:
    source, end = "", -1
    for at in sorted(at for pointer in _POINTERS for at in positions(data, pointer)):
        start = data.rfind(b"\n", max(0, at - _LONGEST_LINE), at)
        before, value = data[start + 1 : at], _POINTED.match(data, data.index(b" ", at) + 1)
        if start < 0 or value is None or before.strip(_LINES):
            continue
        if start != end:
            source = data[data.rfind(b"\n", 0, start) + 1 : start].decode("utf-8", "replace")
        end = value.end()
        name = _NAME_AT.match(source, len(before.decode()))
        kind = name_kind(name[0]) if name is not None else NameKind.HARMLESS
        if kind is not NameKind.HARMLESS and _is_value(value[0], kind):
            yield Found(*value.span(), "column of secrets")


def _split(line: bytes, delimiter: bytes) -> list[bytes]:
    """Return the cells of a line; a delimiter in quotes is part of its cell."""
    cells = line.split(delimiter)
    if b'"' not in line:
        return cells
    joined = [cells[0]]
    for cell in cells[1:]:
        if joined[-1].count(b'"') % 2:
            joined[-1] += delimiter + cell
        else:
            joined.append(cell)
    return joined if joined[-1].count(b'"') % 2 == 0 else cells


def _wanted(header: bytes, delimiter: bytes) -> dict[int, NameKind]:
    """Return the cells of a line of names that name secrets; empty when it is no line of names."""
    cells = [cell.strip(_AROUND) for cell in _split(header, delimiter)]
    is_frame = delimiter not in (b",", b";")
    first = _LAST_WORD.fullmatch(cells[0])
    if is_frame or first is not None:
        # The beginning of a log line may come before the first name.
        cells[0] = first["name"] if first is not None else b""
    if len(cells) < 2 or not all(_NAME.fullmatch(cell) or (is_frame and not cell) for cell in cells):
        return {}
    kinds = {number: name_kind(cell.decode().replace(" ", "_")) for number, cell in enumerate(cells)}
    # A sentence may look like such a line, so the values must look like secrets.
    most = NameKind.AMBIGUOUS if delimiter + b" " == b", " and b", " in header else NameKind.SECRET
    return {number: min(kind, most) for number, kind in kinds.items() if kind is not NameKind.HARMLESS}


def _lines(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while (line_break := _BREAK.match(data, at)) is not None:
        start = line_break.end()
        following = _BREAK.search(data, start, start + _LONGEST_LINE)
        at = following.start() if following is not None else min(len(data), start + _LONGEST_LINE)
        yield start, data[start:at]


def _rows(data: bytes, at: int, wanted: dict[int, NameKind], count: int, delimiter: bytes) -> Generator[Found, None, int]:
    """Yield the secret cells of a table with a delimiter; return the end of the table."""
    for start, line in _lines(data, at):
        cells = _split(line, delimiter)
        if len(cells) == count:
            for number, kind in wanted.items():
                bare = cells[number].strip(_AROUND)
                if _is_value(bare, kind) and not _RULE.fullmatch(bare):
                    first = start + sum(map(len, cells[:number])) + number * len(delimiter) + cells[number].index(bare)
                    yield Found(first, first + len(bare), "column of secrets")
        elif not _RULE.fullmatch(line):
            break
        at = start + len(line)
    return at


def _aligned(data: bytes, at: int, header: bytes) -> Generator[Found, None, int]:
    """Yield the secret cells of a table whose columns are aligned below their names; return the end of the table."""
    columns = list(_COLUMNS.finditer(header)) if b"  " in header.strip() else []
    if len(columns) < 2 or not all(_NAME.fullmatch(column[0]) for column in columns[1:]):
        return at
    # The beginning of a log line may come before the first name, and only there.
    before = columns[0].start() + max(columns[0][0].rfind(b" "), columns[0][0].rfind(b":")) + 1
    names = {column.start() - before: column[0] for column in columns[1:]}
    names[0] = header[before : columns[0].end()]
    kinds = {offset: name_kind(name.decode("utf-8", "replace").replace(" ", "_")) for offset, name in names.items()}
    for start, line in _lines(data, at):
        cells = {cell.start(): cell[0] for cell in _COLUMNS.finditer(line)}
        if len(cells) < 2 or not cells.keys() <= kinds.keys():
            if not _RULE.fullmatch(line):
                break
            cells = {}
        for offset, cell in cells.items():
            if kinds[offset] is not NameKind.HARMLESS and _is_value(cell, kinds[offset]) and not _RULE.fullmatch(cell):
                yield Found(start + offset, start + offset + len(cell), "column of secrets")
        at = start + len(line)
    return at


def _rows_of_list(data: bytes, begin: int, end: int) -> Iterator[Found]:
    """Yield the values that look like secrets in ["user", "password"], ["bob", "…"]."""
    for names in _LIST.finditer(data, begin, end):
        kinds = [name_kind(name.strip(_AROUND).decode()) for name in names["names"].split(b",")]
        row = _ROW.match(data, names.end()) if any(kinds) else None
        while row is not None:
            items = list(_ITEM.finditer(row["row"]))
            for item, kind in zip(items, kinds, strict=False):
                text = item[0].strip(_AROUND).decode("utf-8", "replace")
                if len(items) == len(kinds) and kind and (looks_random(text) or (kind is NameKind.SECRET and is_mixed(text))):
                    yield Found(row.start("row") + item.start(), row.start("row") + item.end(), "column of secrets")
            row = _ROW.match(data, row.end())


def _is_value(cell: bytes, kind: NameKind) -> bool:
    if not cell or cell.isdigit() or cell.count(b" ") > 3 or OPEN.fullmatch(cell) or b"[redacted" in cell:
        # Empty, a number, a sentence, or redacted already.
        return False
    return kind is NameKind.SECRET or looks_random(cell.decode("utf-8", "replace"))
