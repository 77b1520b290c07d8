"""Place refusals: Discord's errors about the thread, forum or channel of a message, each with the way out.

Events are never searched or buried for them. What follows for the destination is decided in `destination_health`.
"""

from __future__ import annotations

from typing import Final

from ..config.destination import Destination
from .outcome import UNKNOWN_CHANNEL, Result

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_TAG_REQUIRED: Final = (40066, 40067)
_WAYS_OUT: Final = {
    20016: "its channel is in slow mode: give the webhook's integration a way around it, or switch slow mode off",
    20028: "its channel gets too many messages at the moment, which will pass",
    20029: "its server gets too many messages at the moment, which will pass",
    40058: "its thread takes messages only after its author wrote the first one: write it, or put another URL there",
    50024: "its channel is of a kind that takes no messages of webhooks: put the URL of a webhook in a text channel there",
    50083: "its thread is archived: open the thread again, or put another URL there",
    160005: "its thread is locked: unlock the thread, or put another URL there",
    160006: "its server has as many active threads as it may have: close some",
    160007: "its server has as many active announcement threads as it may have: close some",
    220004: "its forum takes no messages of webhooks: put the URL of a webhook in a text channel there",
}


def way_out(result: Result, destination: Destination, *, is_in_thread: bool) -> str:
    """Return what is wrong with the place and what to do; empty when the refusal is not about the place."""
    code, tags = result.code, f"{destination.setting.removesuffix('_URL')}_TAGS"
    if any(field.startswith("applied_tags") for field in result.fields):
        return f"its forum has none of the tags in {tags}: put the names or ids of its own tags there"
    if code == UNKNOWN_CHANNEL and is_in_thread:
        return "the thread of its ?thread_id= was deleted: put the id of another thread there, or leave it out"
    if code in _TAG_REQUIRED:
        return f"its forum requires a tag on each post: put the names or ids of its tags into {tags}"
    return _WAYS_OUT.get(code, "")
