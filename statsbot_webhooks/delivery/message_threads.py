"""Message threads: the thread of a message, from the URL or as a post of a forum (one a day, or one for each error). Pure.

Nothing is sent here, and no thread is created.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ..config.destination import Destination, ThreadMode
from ..events.event import Event
from ..formatting import limits
from ..formatting.own_markup import revealed
from ..formatting.presentation import present
from .card import error_key

# https://discord.com/developers/docs/resources/channel#start-thread-in-forum-or-media-channel
_NAME: Final = 100
# A post without messages for this long is forgotten: the next event makes a new one.
_KEEP_SECONDS: Final = 30 * 86400.0
# https://discord.com/developers/docs/resources/channel#channel-object: a post has at most five.
_MOST_TAGS: Final = 5
# Discord's codes for a message to a forum without a thread name, and for a thread name outside of a forum.
FORUM_NEEDS_NAME: Final = 220001
NOT_A_FORUM: Final = 220003


@dataclass(frozen=True, slots=True)
class ThreadPlace:
    """Where a message goes: a thread, a new post with this name, or the channel itself.

    A post of ours is remembered under `key`. `tags` are the ids of the tags of a new post.
    """

    thread_id: int | None = None
    thread_name: str = ""
    key: str = ""
    tags: tuple[int, ...] = ()

    def thread_of(self, channel_id: int | None) -> int | None:
        """Return the thread that a message went to, given the channel in Discord's answer; `None` for the webhook's channel."""
        return self.thread_id or (channel_id if self.thread_name else None)


class Threads:
    """The posts of one destination."""

    def __init__(self, destination: Destination) -> None:
        self._fixed = destination.url.thread_id
        self._name = "" if self._fixed else destination.thread_name
        self._mode = destination.thread_mode
        self._default = destination.name.replace("_", " ")
        self._tags = destination.tags
        # Of the keys of stored posts.
        self.prefix = f"thread/{destination.name}/"
        self._posts: dict[str, tuple[int, float]] = {}

    @property
    def has_post_for_each_error(self) -> bool:
        """Whether the channel is a forum in which each error has a post of its own."""
        return bool(self._name) and self._mode == ThreadMode.ERROR

    def load(self, stored: Mapping[str, Any]) -> None:
        """Take over what an earlier process stored."""
        for key, value in stored.items():
            if isinstance(value, dict) and isinstance(value.get("id"), int) and isinstance(value.get("used"), (int, float)):  # pyright: ignore[reportUnknownMemberType]
                self._posts[key.removeprefix(self.prefix)] = (value["id"], float(value["used"]))  # pyright: ignore[reportUnknownArgumentType]

    def place(self, event: Event, card: str, now: float) -> ThreadPlace:
        """Return where the message that shows an event goes; `card` is the key of its card. `now` is wall clock seconds."""
        if not self._name:
            return ThreadPlace(self._fixed)
        if self._mode == ThreadMode.ERROR and card and card == error_key(event):
            key, name = card, _error_title(event)
        else:
            day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
            key, name = f"day-{day}", f"{self._name} {day}"
        post = self._posts.get(key)
        return ThreadPlace(post[0] if post else None, limits.truncate(name, _NAME), key)

    def tags(self, known: Mapping[str, int], state: str = "") -> tuple[int, ...]:
        """Return the ids of the tags of a new post; `known` are the forum's tags by lower-case name.

        The post of an error also gets the tag of its `state`, if the forum has one.
        """
        found = [int(tag) if tag.isdecimal() else known.get(tag.lower()) for tag in self._tags]
        if self._mode == ThreadMode.ERROR and state and known.get(state) not in found:
            found.append(known.get(state))
        return tuple(tag for tag in found if tag is not None)[:_MOST_TAGS]

    def used(self, place: ThreadPlace, channel_id: int | None, now: float) -> dict[str, Any]:
        """Note that a message went to a place, with the channel in Discord's answer; returns the state to store."""
        thread_id = place.thread_of(channel_id)
        if not place.key or thread_id is None:
            return {}
        state: dict[str, Any] = {}
        for key in [key for key, (_, used) in self._posts.items() if used < now - _KEEP_SECONDS]:
            del self._posts[key]
            state[f"{self.prefix}{key}"] = None
        self._posts[place.key] = (thread_id, now)
        return {**state, f"{self.prefix}{place.key}": {"id": thread_id, "used": now}}

    def forget(self, place: ThreadPlace) -> dict[str, Any]:
        """Note that a post was deleted; returns the state to store."""
        self._posts.pop(place.key, None)
        return {f"{self.prefix}{place.key}": None} if place.key else {}

    def use_forum(self, is_forum: bool) -> str:
        """Note that, unlike in the settings, the channel is a forum or is none; returns the name of posts from now on."""
        self._name = self._default if is_forum else ""
        return self._name


def _error_title(event: Event) -> str:
    """Return the title of an error's post: its title, the last line of its traceback, or its message."""
    event = present(event)
    lines = (event.traceback or "").strip().splitlines()
    return (
        revealed(event.title)
        or (lines[-1].strip() if lines else "")
        or " ".join(revealed(event.message).split())
        or event.level.value
    )
