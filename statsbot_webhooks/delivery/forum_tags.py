"""Forum tags: show the state of an issue as a tag of its post, and close the post of a resolved one.

A webhook cannot do that, so the bot does, where it may manage threads. Tags are never created; those of a new post are chosen
in `message_threads`.
"""

from __future__ import annotations

from typing import Final

from ..issues.issue import IssueState
from .card import Card
from .channel_reader import CannotReadNowError
from .worker_context import WorkerContext

# The names of tags, in lower case.
STATES: Final = tuple(state.value for state in IssueState)
# Pauses after failures, which grow: rights may be given and outages end, but no request may be repeated at once for good.
_FIRST_PAUSE_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 3600.0
_RECALLED_SECONDS: Final = 86400.0


class ForumTags:
    """Bring the posts of one destination up to date, one at a time."""

    def __init__(self, parts: WorkerContext) -> None:
        self._parts = parts
        self._pending: dict[str, None] = {}
        # Failures since the last success, and until when nothing is tried (monotonic seconds).
        self._failures = 0
        self._paused_until = 0.0
        self._told = False

    def note(self, key: str) -> None:
        """Note that the issue of a card changed its state."""
        if self._parts.threads.has_post_for_each_error and self._post_of(key) is not None:
            self._pending[key] = None
            # A person waits for it.
            self._paused_until = 0.0

    def recall(self) -> None:
        """Note the issues that changed their state in the last day: the process before may not have shown it."""
        since = self._parts.clock.now() - _RECALLED_SECONDS
        for key, _ in list(self._parts.cards.items()):
            if self._parts.states.changed_at(key) > since:
                self.note(key)

    def due_seconds(self) -> float | None:
        """Return in how many seconds a post can be changed; None when there is none to change."""
        return None if self._next() is None else max(self._paused_until - self._parts.clock.monotonic(), 0.0)

    async def act(self) -> None:
        """Change the next post; one that cannot be changed now is tried again later."""
        key = self._next()
        if key is None:
            return
        del self._pending[key]
        card, state = self._post_of(key), self._parts.states.issue_state(key)
        if card is None or card.thread_id is None or state is None:
            return
        try:
            problem = await self._show(card.thread_id, state)
        except CannotReadNowError:
            self._fail(key, "")
        else:
            if problem:
                self._fail(key, problem)
            else:
                self._failures, self._told = 0, False

    async def _show(self, thread_id: int, state: IssueState) -> str:
        reader = self._parts.links.reader()
        if reader is None:
            raise CannotReadNowError
        return await reader.show_state(thread_id, state.value, STATES, is_closed=state == IssueState.RESOLVED)

    def _fail(self, key: str, problem: str) -> None:
        self._pending.setdefault(key)
        pause = min(_FIRST_PAUSE_SECONDS * 4**self._failures, _LONGEST_PAUSE_SECONDS)
        self._failures = min(self._failures + 1, 10)
        self._paused_until = self._parts.clock.monotonic() + pause
        # What works at the second try is no news.
        if problem and self._failures > 1 and not self._told:
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
