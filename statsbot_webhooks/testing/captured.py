"""The events that were captured of a bot, as a test looks at them: complete, and before any delivery."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, overload

from statsbot_webhooks import LogLevel, WebhookManager
from statsbot_webhooks.sandbox import Sandbox


class CapturedEvents(Sequence[Any]):
    """Every event since the test began, oldest first; `kind`, `level`, `message` and `context` are what tests look at."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._events: list[Any] = []

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __repr__(self) -> str:
        lines = [f"{event.kind.value} {event.level.value} {event.message}" for event in self._events]
        return "\n".join(["captured events:", *lines])

    @property
    def errors(self) -> list[Any]:
        """Those of ERROR and CRITICAL."""
        return [event for event in self._events if event.level.number >= LogLevel.ERROR.number]

    def of_kind(self, kind: str) -> list[Any]:
        """Return those of a kind: "log", "error", "performance", "member" or "lifecycle"."""
        return [event for event in self._events if event.kind.value == kind]

    def matching(self, text: str) -> list[Any]:
        """Return those that hold a text in their message, their traceback or their context."""
        return [event for event in self._events if text in f"{event.message}\n{event.traceback}\n{dict(event.context)}"]

    async def wait_for(self, text: str, timeout: float = 10.0) -> Any:
        """Return the first event that holds a text, once it is there; raises `TimeoutError` with all that are."""
        try:
            await self._sandbox.wait_until(lambda: self.matching(text), timeout)
        except TimeoutError as error:
            raise TimeoutError(f"no event with {text!r}; {self!r}\n{error}") from None
        return self.matching(text)[0]

    @contextmanager
    def listening(self) -> Generator[CapturedEvents]:
        """Note every event that any manager of this process accepts, for as long as the context lasts."""
        owner: Any = WebhookManager
        submit: Callable[[WebhookManager, Any], bool] = owner.submit
        noted = self._events

        def note(manager: WebhookManager, event: Any) -> bool:
            noted.append(event)
            return submit(manager, event)

        # No bound method: the log handler would go past it, to `submit_note` of the manager that it is bound to.
        owner.submit = property(lambda manager: partial(note, manager))
        try:
            yield self
        finally:
            owner.submit = submit
