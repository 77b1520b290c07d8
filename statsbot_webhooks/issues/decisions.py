"""What people decided about cards that are no issues: an alert that was acknowledged, a raid's invites that were paused.

Kept in the storage, for as long as a card can be kept up to date. On the intake's thread; `of` may be called from anywhere.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..storage import StateStore

_log = logging.getLogger(__name__)
_PREFIX: Final = "decision/"
_KEEP_SECONDS: Final = 7 * 86400.0
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done about a card, by whom and when; `until` is when it ends by itself, 0 when it does not."""

    by: str
    since: float
    until: float = 0.0


class Decisions:
    """The decisions, by the keys of the cards."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._known: dict[str, Decision] = {}

    def load(self) -> None:
        """Read what is stored; what cannot be read is dropped."""
        for key, state in self._store.read_state(_PREFIX).items():
            try:
                decision = Decision(str(state["by"]), float(state["since"]), float(state["until"]))
            except (KeyError, TypeError, ValueError):
                _log.warning("a stored decision cannot be read and is dropped: %s", key)
                self._store.write_state({key: None})
                continue
            self._known[key.removeprefix(_PREFIX)] = decision

    def of(self, key: str) -> Decision | None:
        """Return what was decided about a card."""
        return self._known.get(key)

    def decide(self, key: str, decision: Decision) -> tuple[Decision, bool]:
        """Note a decision, unless there is one that still holds; returns the one that holds, and whether it is new."""
        known = self._known.get(key)
        if known is not None and (not known.until or known.until > decision.since):
            return known, False
        state: dict[str, Any] = {f"{_PREFIX}{key}": asdict(decision)}
        self._known[key] = decision
        oldest = sorted(self._known, key=lambda each: self._known[each].since)
        for number, each in enumerate(oldest):
            if len(oldest) - number > _MOST or decision.since - self._known[each].since > _KEEP_SECONDS:
                del self._known[each]
                state[f"{_PREFIX}{each}"] = None
        self._store.write_state(state)
        return decision, True

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Drop decisions about or by a person from memory; the storage is cleared elsewhere."""
        self._known = {key: each for key, each in self._known.items() if not is_meant(key) and not is_meant(json.dumps(each.by))}
