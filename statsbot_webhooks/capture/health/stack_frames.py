"""Stack frames: where a thread or a suspended task is at the moment. It reads frames, and keeps none."""

from __future__ import annotations

import asyncio
import linecache
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, Final

import discord

from ...events.tracebacks import is_own_code

# Deeper chains of awaits are cut: a card shows one line of them.
_MAX_AWAITS: Final = 100
# Waiting for a person or a time does not count as slow.
_PATIENT: Final = {asyncio.sleep.__code__, discord.ui.View.wait.__code__, discord.ui.Modal.wait.__code__}


def format_stack(frame: FrameType) -> str:
    """Return the stack of a thread, innermost call last as in a traceback, with `>` before lines of the host."""
    lines = ["The loop's thread (most recent call last):\n"]
    for summary in reversed(traceback.StackSummary.extract(traceback.walk_stack(frame))):
        mark = "> " if is_own_code(summary.filename) else "  "
        lines.append(f'{mark}File "{summary.filename}", line {summary.lineno}, in {summary.name}\n    {summary.line}\n')
    return "".join(lines)


def format_place(frames: list[FrameType]) -> str:
    """Return file, line and code of the host's innermost frame, or of the innermost of all; `frames` are innermost first."""
    if not frames:
        return "unknown"
    frame = next((frame for frame in frames if is_own_code(frame.f_code.co_filename)), frames[0])
    name, line = frame.f_code.co_filename, frame.f_lineno
    code = linecache.getline(name, line).strip()
    return f"{Path(name).name}:{line} in {frame.f_code.co_name}" + (f": {code}" if code else "")


def frames_of_thread(frame: FrameType | None) -> list[FrameType]:
    """Return the frames of a thread, innermost first."""
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def frames_of_task(task: asyncio.Task[Any]) -> list[FrameType]:
    """Return the frames of a suspended task, innermost first."""
    frames: list[FrameType] = []
    step: Any = task.get_coro()
    for _ in range(_MAX_AWAITS):
        frame = getattr(step, "cr_frame", None) or getattr(step, "ag_frame", None) or getattr(step, "gi_frame", None)
        if frame is None:
            break
        frames.append(frame)
        step = getattr(step, "cr_await", None) or getattr(step, "ag_await", None) or getattr(step, "gi_yieldfrom", None)
    return frames[::-1]


def is_patient(frames: list[FrameType], bot: discord.Client) -> bool:
    """Whether a task waits on purpose: for a person, an event of `Client.wait_for`, or a time."""
    awaited = {id(future) for listeners in _listeners(bot) for future, _ in listeners}
    return any(
        frame.f_code in _PATIENT or (frame.f_code is asyncio.wait_for.__code__ and id(frame.f_locals.get("fut")) in awaited)
        for frame in frames
    )


def _listeners(bot: discord.Client) -> list[list[tuple[Any, Any]]]:
    # Private to discord.py, and the only place where Client.wait_for keeps its futures.
    return list(getattr(bot, "_listeners", {}).values())
