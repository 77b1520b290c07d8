"""What failed and where: the title, the text and the link of an error's card. Pure."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from ..events.event import Event, EventKind
from .markdown import escape_markdown

# `Type: text` or `Type`, at the margin below the frames of a traceback.
_TYPE: Final = re.compile(r"([A-Za-z_][\w.]*)(?:: |:?$)")
_FRAMES: Final = ("  File ", "> File ", "    ", "  [")
_WEB: Final = re.compile(r"https?://[!-;=?-~]+\Z")
_JUMP: Final = re.compile(r"https://discord\.com/channels/(?:@me|\d{1,20})/(?P<channel>\d{1,20})(?:/\d{1,20})?\Z")


def exception_type(event: Event) -> str:
    """Return the name of the exception's class without its module; empty where none is known."""
    if event.template and (event.message == event.template or event.message.startswith(f"{event.template}: ")):
        return event.template
    found = ""
    follows_frames = False
    for line in (event.traceback or "").splitlines():
        if line.startswith(_FRAMES):
            follows_frames = True
        elif follows_frames and (match := _TYPE.match(line)):
            found, follows_frames = match[1].rpartition(".")[2], False
    return found


def error_title(event: Event) -> str:
    """Return what failed and where: "ZeroDivisionError in !divide"; empty where the exception is not known."""
    if event.kind != EventKind.ERROR or not (name := exception_type(event)):
        return ""
    command = event.context.get("command")
    place = command if isinstance(command, str) and command else event.origin
    return f"{name} in {place}" if place else name


def error_text(event: Event) -> str:
    """Return the text of an exception without its type, which the title has; any other message as it is."""
    if event.kind == EventKind.ERROR and not event.title and event.template and event.message.startswith(event.template):
        rest = event.message[len(event.template) :]
        if not rest or rest.startswith(": "):
            return rest[2:]
    return event.message


def jump_url(event: Event) -> str:
    """Return the address of the message or channel where it happened; empty where that is not known."""
    url = event.facts.get("jump")
    return url if isinstance(url, str) and _JUMP.match(url) else ""


def jump_channel(event: Event) -> str:
    """Return the id of the channel where it happened; empty where that is not known."""
    match = _JUMP.match(jump_url(event))
    return match["channel"] if match else ""


def source_line(event: Event) -> str:
    """Return the links to the lines of the repository; empty where none is certain."""
    found: Any = event.facts.get("source")
    links = [cast("dict[str, Any]", link) for link in found if isinstance(link, dict)] if isinstance(found, (list, tuple)) else []  # pyright: ignore[reportUnknownVariableType]
    texts = [
        f"[{escape_markdown(str(link.get('at')))}](<{link.get('url')}>)" for link in links if _WEB.match(str(link.get("url")))
    ]
    return "-# Source: " + " \u00b7 ".join(texts) if texts else ""
