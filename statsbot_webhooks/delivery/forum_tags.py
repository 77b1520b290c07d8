"""Forum tags: show the state of an issue as a tag of its post, and close the post of a resolved one.

A webhook cannot do that, so the bot does, where it may manage threads. Tags are never created; those of a new post are chosen
in `message_threads`.
"""

from __future__ import annotations

from typing import Final

from ..issues.issue import IssueState
from .card import Card
from .worker_context import WorkerContext

# The names of tags, in lower case.
STATES: Final = tuple(state.value for state in IssueState)


class ForumTags:
    """Bring the posts of one destination up to date, one at a time."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self._pending: dict[str, None] = {}
        self._told = False

    def note(self, key: str) -> None:
        """Note that the issue of a card changed its state."""
        if self._parts.threads.has_post_for_each_error and self._post_of(key) is not None:
            self._pending[key] = None

    @property
    def is_due(self) -> bool:
        """Whether a post can be changed now."""
        return self._next() is not None

    async def act(self) -> None:
        """Change the next post."""
        key = self._next()
        if key is None:
            return
        del self._pending[key]
        card, state = self._post_of(key), self._parts.states.issue_state(key)
        reader = self._parts.links.reader()
        if card is None or card.thread_id is None or state is None or reader is None:
            return
        problem = await reader.show_state(card.thread_id, state.value, STATES, is_closed=state == IssueState.RESOLVED)
        if problem and not self._told:
            self._told = True
            self._parts.health.say(f"The posts of {self._parts.destination.setting} cannot be tagged or closed: {problem}")

    def _next(self) -> str | None:
        """Return a card whose post can be changed. A closed post takes no edits, so its card is edited first."""
        for key in self._pending:
            card = self._post_of(key)
            is_closing = self._parts.states.issue_state(key) == IssueState.RESOLVED
            if card is None or not (is_closing and card.is_stale):
                return key
        return None

    def _post_of(self, key: str) -> Card | None:
        card = self._parts.cards.get(key)
        return card if card is not None and card.thread_id is not None else None
