"""Translated records: a record of another logging library as one of `logging`, so that the same handler reads it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class TranslatedRecord(logging.LogRecord):
    """A record with a ready text; `msg` is the template, and `fields` are the other values of the call, under any names."""

    def __init__(
        self, name: str, level: int, text: str, *, template: str, fields: Mapping[str, Any], exc_info: ExcInfo | None
    ) -> None:
        super().__init__(name, level, "", 0, template, None, exc_info if exc_info and exc_info[1] is not None else None)  # type: ignore[arg-type]
        self.text = text
        self.fields = fields

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        """Return the text."""
        return self.text


def frames_from(frame: FrameType | None, most: int) -> Iterator[FrameType]:
    """Yield a frame and its callers, at most `most` in all."""
    for _ in range(most):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def exc_info_of(value: object) -> ExcInfo | None:
    """Return the meaning of an argument `exc_info`: of an exception, a tuple, or True for the one being handled."""
    if isinstance(value, BaseException):
        return type(value), value, value.__traceback__
    if isinstance(value, tuple):
        return value if len(value) == 3 else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return sys.exc_info() if value else None
