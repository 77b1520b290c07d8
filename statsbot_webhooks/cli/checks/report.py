"""What `check` found: findings, and the report as text and as JSON. Pure; holds no secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from ...config.description import Setting
from ...config.sources import Source
from ...events.time_text import format_count
from ..terminal import color


class Grade(StrEnum):
    """How bad a finding is; an ERROR makes the exit code 1."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


_COLORS: Final = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.ERROR: "red"}
_MARKS: Final = {Grade.OK: "  ok     ", Grade.NOTE: "  note   ", Grade.WARNING: "  WARNING", Grade.ERROR: "  ERROR  "}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `about` names it, `text` says what holds and, if it is wrong, the way out."""

    grade: Grade
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, by section."""

    settings: Sequence[Setting]
    sections: dict[str, list[Finding]] = field(default_factory=dict[str, list[Finding]])

    @property
    def is_good(self) -> bool:
        """Whether nothing is an error."""
        return not any(each.grade == Grade.ERROR for found in self.sections.values() for each in found)

    def rewritten(self, clean: Callable[[str], str]) -> Report:
        """Return the report with what `clean` makes of each value and text, such as the names of channels."""
        sections = {name: [replace(each, text=clean(each.text)) for each in found] for name, found in self.sections.items()}
        return Report([replace(each, value=clean(each.value)) for each in self.settings], sections)

    def to_json(self) -> dict[str, Any]:
        """Return the report for scripts."""
        sections = {name: [asdict(each) for each in found] for name, found in self.sections.items()}
        return {"ok": self.is_good, "settings": [asdict(each) for each in self.settings], **sections}

    def to_text(self) -> str:
        """Return the report for people: the settings that are set, then each section."""
        lines = ["settings"]
        chosen = [each for each in self.settings if each.source != Source.DEFAULT]
        lines += [f"  {each.name} = {each.value}  ({each.source.value})" for each in chosen] or ["  none is set"]
        lines.append(f"  and {len(self.settings) - len(chosen)} with their defaults; --json lists them all")
        for name, found in self.sections.items():
            lines += ["", name, *(f"{_mark(each.grade)} {each.about}: {each.text}" for each in found)]
        grades = [each.grade for found in self.sections.values() for each in found]
        errors, warnings = grades.count(Grade.ERROR), grades.count(Grade.WARNING)
        return "\n".join([*lines, "", f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"])


def _mark(grade: Grade) -> str:
    return color(_MARKS[grade], _COLORS[grade]) if grade in _COLORS else _MARKS[grade]


def _count(number: int, noun: str) -> str:
    return format_count(number, noun) if number else f"no {noun}s"
