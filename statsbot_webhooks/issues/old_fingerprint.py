"""The fingerprint of version 0.1, for mutes that were begun with it; they hold for 30 days at most. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from ..events.event import Event

# Left of each line in an exception group. It begins where no blank does: 0.1 looked from every blank anew.
_MARGIN: Final = re.compile(r"(?<! ) *+[|+] ?(?=\S| )")


def old_fingerprint(event: Event) -> str:
    """Return what version 0.1 made of an event: an error went by its frames, line numbers and folders included."""
    if event.traceback is not None:
        parts = ["exception", *_places(event.traceback)]
    else:
        parts = [event.kind.value, event.origin, event.level.value, event.template or event.message]
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _places(traceback: str) -> Iterator[str]:
    """Yield the frames of a traceback and the types of its exceptions."""
    awaits_type = True
    for raw in traceback.splitlines():
        line = _MARGIN.sub("", raw, count=1)
        if line.startswith(('  File "', '> File "')):
            awaits_type = True
            yield line[2:]
        elif line.startswith("-"):
            awaits_type = True
        elif awaits_type and line and line[0] != " " and not line.endswith("(most recent call last):"):
            awaits_type = False
            yield line.partition(":")[0]
