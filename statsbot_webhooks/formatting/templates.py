"""How cards look, in the user's own words: a TOML file with titles, colours, texts and fields. Only `load_templates` reads it.

A table is named after the kind of event (`error`, `log`, `performance`, `member`, `lifecycle`), or after the kind and what
happened (`member.join`, `error."/pay"`). What a table leaves out stays as it is without templates.
"""

from __future__ import annotations

import logging
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from ..events.event import Event, EventKind

_log = logging.getLogger(__name__)

VARIABLES: Final = ("kind", "level", "origin", "message", "title", "time", "guild", "channel", "user", "command")
_KEYS: Final = ("title", "color", "text", "fields")
_COLOR: Final = re.compile(r"#[0-9a-f]{6}\Z", re.I)
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?\Z")
_NAME: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^.\s]+)")


class Text(string.Template):
    """A text with variables: `$message`, `${level}`, or `${context.version}` for any detail of an event."""

    idpattern = r"(?a:context\.[a-z0-9_]+|[a-z][a-z0-9_]*)"

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with its variables filled in; a detail that an event does not have is empty."""
        return self.safe_substitute({name: values.get(name, "") for name in self.get_identifiers()})


@dataclass(frozen=True, slots=True)
class Look:
    """What one table says; `None` leaves it as it is."""

    title: Text | None = None
    color: int | None = None
    text: Text | None = None
    fields: tuple[tuple[str, Text], ...] | None = None


_PLAIN: Final = Look()


@dataclass(frozen=True, slots=True)
class Templates:
    """Looks by the name of their table."""

    looks: Mapping[str, Look] = field(default_factory=dict[str, Look])

    def look(self, event: Event) -> Look:
        """Return how an event looks: its own table before the one of its kind."""
        if not self.looks:
            return _PLAIN
        general = self.looks.get(event.kind.value, _PLAIN)
        own = self.looks.get(f"{event.kind.value}.{event.origin}", _PLAIN)
        return Look(
            own.title or general.title,
            general.color if own.color is None else own.color,
            own.text or general.text,
            general.fields if own.fields is None else own.fields,
        )


def load_templates(path: str | Path | None) -> Templates:
    """Read a file of templates. Mistakes in it are logged with their lines, and those cards look as without templates."""
    if not path:
        return Templates()
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        _log.error("WEBHOOK_TEMPLATES: the file cannot be read (%s); cards look as without templates", reason)
        return Templates()
    templates, problems = parse_templates(text)
    for problem in problems:
        _log.error("WEBHOOK_TEMPLATES: %s; the built-in look is used for it", problem)
    return templates


def parse_templates(text: str) -> tuple[Templates, list[str]]:
    """Return what can be used of a TOML text, and what is wrong with the rest, each with its line."""
    # Few have templates.
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Templates(), [f"not valid TOML: {error}"]
    reader = _TableReader(text)
    for kind, table in tables.items():
        if kind not in list(EventKind) or not isinstance(table, dict):
            reader.complain((), kind, f"[{kind}] is not a kind of event{_hint(kind, list(EventKind))}")
            continue
        reader.read((kind,), cast(dict[str, Any], table))
    return Templates(reader.looks), reader.problems


class _TableReader:
    """Turns tables into looks and collects what is wrong."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self.looks: dict[str, Look] = {}
        self.problems: list[str] = []

    def complain(self, table: tuple[str, ...], key: str, problem: str, found: str = "") -> None:
        self.problems.append(f"line {_line_of(self._lines, table, key, found)}: {problem}")

    def read(self, name: tuple[str, ...], table: Mapping[str, Any]) -> None:
        """Read a table, and those of single origins below the table of a kind."""
        found: dict[str, Any] = {}
        for key, value in table.items():
            if key in ("title", "text"):
                found[key] = self._text(name, key, value)
            elif key == "color":
                found[key] = self._color(name, value)
            elif key == "fields" and isinstance(value, dict):
                inner = cast(dict[str, Any], value)
                texts = [(label, self._text((*name, "fields"), label, text)) for label, text in inner.items()]
                found[key] = tuple((label, text) for label, text in texts if text is not None)
            elif isinstance(value, dict) and len(name) == 1 and key != "fields":
                self.read((*name, key), cast(dict[str, Any], value))
            else:
                self.complain(name, key, f"[{'.'.join(name)}] has no setting {key!r}{_hint(key, _KEYS)}")
        self.looks[".".join(name)] = Look(**found)

    def _text(self, name: tuple[str, ...], key: str, value: object) -> Text | None:
        where = f"{key!r} of [{'.'.join(name)}]"
        if not isinstance(value, str):
            self.complain(name, key, f"{where} must be a text in quotes")
            return None
        text = Text(value)
        if not text.is_valid():
            self.complain(name, key, f"{where} has a $ that begins no variable; write $$ for a dollar", "$")
            return None
        for variable in text.get_identifiers():
            if variable not in VARIABLES and not variable.startswith("context."):
                self.complain(name, key, f"{where}: ${variable} is not a variable{_hint(variable, VARIABLES)}", variable)
                return None
        return text

    def _color(self, name: tuple[str, ...], value: object) -> int | None:
        if isinstance(value, str) and _COLOR.match(value):
            return int(value[1:], 16)
        self.complain(name, "color", f"'color' of [{'.'.join(name)}] must be written like \"#E74C3C\"")
        return None


def _hint(word: str, known: tuple[str, ...] | list[EventKind]) -> str:
    names = [str(name) for name in known]
    import difflib

    near = difflib.get_close_matches(word, names, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"


def _line_of(lines: list[str], table: tuple[str, ...], key: str, found: str) -> int:
    """Return the number of the line with a key of a table, or with `found` in its value. tomllib does not tell."""
    current: tuple[str, ...] = ()
    assignment = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    fallback = next((number for number, line in enumerate(lines, 1) if key in line), 1)
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            current = tuple(a or b or c for a, b, c in _NAME.findall(header[1]))
            if not table and current[:1] == (key,):
                return number
        elif current == table and assignment.match(line):
            # A text may go on for several lines.
            return next((later for later, text in enumerate(lines[number - 1 :], number) if found in text), number)
    return fallback
