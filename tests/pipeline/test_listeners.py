"""Who is told of choices and settings: one that fails keeps nothing from the others, and is counted."""

from __future__ import annotations

import pytest

from statsbot_webhooks.config.renewal import Renews
from statsbot_webhooks.pipeline.listeners import Listeners


class Told:
    def __init__(self, *, fails: bool) -> None:
        self.calls: list[str] = []
        self._fails = fails

    def apply_choices(self) -> None:
        self._note("choices")

    async def on_reconfigured(self, renewed: frozenset[Renews]) -> None:
        self._note("settings")

    def forget(self) -> None:
        self._note("forget")

    def _note(self, what: str) -> None:
        self.calls.append(what)
        if self._fails:
            raise RuntimeError(what)


async def test_one_that_fails_is_counted_and_the_next_is_told(caplog: pytest.LogCaptureFixture) -> None:
    listeners, bad, good = Listeners(), Told(fails=True), Told(fails=False)
    for each in (bad, good):
        listeners.add(each)
    listeners.apply_choices()
    await listeners.reconfigure(frozenset())
    listeners.forget()
    assert bad.calls == good.calls == ["choices", "settings", "forget"]
    assert listeners.failures == 3
    listeners.remove(bad)
    listeners.apply_choices()
    assert (len(bad.calls), len(good.calls), listeners.failures) == (3, 4, 3)
