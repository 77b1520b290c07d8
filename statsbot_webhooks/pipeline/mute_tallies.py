"""Mute tallies: the stored counts of muted events, summed over all processes that share the storage. On the intake's thread.

Each process counts for itself and adds its new counts once a minute and at the end; the sender reports the end of a mute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ..clock import Clock
from ..storage import Fleet, StateStore
from .mutes import Mute, MuteCount, Mutes, merged, mute_from_state, mute_to_state

_PREFIX: Final = "mute/"
# How much longer the process that reports the end of a mute waits for the counts of the others.
_GRACE_SECONDS: Final = 2.0
Ended = tuple[Mute, MuteCount]


class MuteTallies:
    """The stored mutes of one process, or of a fleet."""

    def __init__(self, store: StateStore, clock: Clock, fleet: Fleet) -> None:
        self._store, self._clock, self._fleet = store, clock, fleet
        # The stored count of each mute when it was last read or written.
        self._stored: dict[str, MuteCount] = {}

    @property
    def grace_seconds(self) -> float:
        """How many seconds after its time a mute is ended in this process."""
        return _GRACE_SECONDS if self._fleet.has_others and self._fleet.term is not None else 0.0

    def begin(self, mutes: Mutes, mute: Mute) -> None:
        """Store a mute that begins, or whose end changed."""
        self._update([pair for pair in mutes if pair[0].key == mute.key], is_news=True, is_begun=True)

    def save(self, mutes: Mutes) -> None:
        """Add to the storage what was counted since the last call."""
        for mute, tally in self._update(list(mutes), is_news=False, is_begun=not self._fleet.name):
            mutes.add(mute, tally)

    def follow(self, mutes: Mutes, stored: Mapping[str, Any]) -> None:
        """Follow the other processes of a fleet: end mutes that were ended there, and take over changed ends."""
        if not self._fleet.name:
            return
        for mute, _ in mutes:
            state = stored.get(f"{_PREFIX}{mute.key}")
            if state is None and mute.key in self._stored:
                mutes.end(mute.key)
                self._stored.pop(mute.key)
            elif (known := _read(state)) is not None:
                mutes.add(known[0])

    def end(self, ended: Sequence[Ended], *, is_early: bool = False) -> list[Ended]:
        """Store the end of mutes; returns those that this process must report, with the counts of all processes."""
        if not ended:
            return []
        if self._fleet.term is None and not is_early:
            # The sender reports it, once it reads the new end.
            now = self._clock.now()
            cut = [(replace(mute, until=min(mute.until, now)), tally) for mute, tally in ended]
            self._update(cut, is_news=any(mute.above for mute, _ in ended))
            return []
        whole = {mute.key: (mute, tally) for mute, tally in self._update(ended, is_news=False)}
        self._store.write_state({f"{_PREFIX}{mute.key}": None for mute, _ in ended})
        for mute, _ in ended:
            self._stored.pop(mute.key, None)
        return [(mute, whole.get(mute.key, (mute, tally))[1]) for mute, tally in ended]

    def _update(self, pairs: Sequence[Ended], *, is_news: bool, is_begun: bool = False) -> list[Ended]:
        """Add the counts of this process to the stored ones; returns the sums. A mute that is no longer stored stays so."""
        changes: dict[str, Callable[[Any], Any]] = {
            f"{_PREFIX}{mute.key}": partial(self._change, mute, tally, is_begun) for mute, tally in pairs
        }
        saved = self._store.update_state(changes, is_news=is_news) if changes else {}
        whole = [found for state in saved.values() if (found := _read(state)) is not None]
        for mute, tally in whole:
            self._stored[mute.key] = deepcopy(tally)
        recent = {mute.key: tally.recent for mute, tally in pairs}
        return [(mute, replace(tally, recent=recent[mute.key])) for mute, tally in whole]

    def _change(self, mute: Mute, tally: MuteCount, is_begun: bool, stored: Any) -> Any:  # noqa: FBT001 - the value comes last
        known = _read(stored)
        if known is None:
            return mute_to_state(mute, tally) if is_begun else None
        # A mute that begins again replaces the end; otherwise the earlier end counts.
        until = mute.until if is_begun else min(mute.until, known[0].until)
        chosen = mute if is_begun else known[0]
        return mute_to_state(replace(chosen, until=until), merged(known[1], tally, self._stored.get(mute.key)))


def _read(state: Any) -> Ended | None:
    try:
        return mute_from_state(state)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
