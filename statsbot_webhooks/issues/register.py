"""The register of issues: knows each error again, and what was decided about it. On the intake's thread; kept in the storage.

What changes with every event is written once a minute and at the end, so that a quiet error costs no write of its own; what
people decide is written at once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ..events.event import Event, EventKind, LogLevel
from ..storage import StateStore
from .fingerprint import FINGERPRINT
from .issue import Issue, IssueState, decided, from_state, merged, title_of, to_state
from .text_pattern import text_pattern
from .versions import is_later

_log = logging.getLogger(__name__)
_MOST: Final = 10_000
_RESOLVED_SECONDS: Final = 90 * 86400.0
_MOST_VERSIONS: Final = 100
_SHORTEST: Final = 4
# New issues are written at once, but of a burst so many together.
_TOGETHER: Final = 200
_APART_SECONDS: Final = 0.1


class IssueRegister:
    """The issues of one bot; `version` is the one that runs."""

    def __init__(self, store: StateStore, version: str = "") -> None:
        self._store = store
        self._issues: dict[str, Issue] = {}
        self._by_reference: dict[str, str] = {}
        self._unsaved: set[str] = set()
        self._new: set[str] = set()
        self._new_saved = 0.0
        # What was stored of each issue when it was last read or saved: other processes may count it too.
        self._stored: dict[str, Issue] = {}
        # Decided here and not stored yet.
        self._decided: set[str] = set()
        self._deleted: set[str] = set()
        self._versions: list[str] = []
        self.version = version

    def load(self, *, is_shared: bool = False) -> None:
        """Read what is stored; what cannot be read is dropped. With `is_shared` other processes may have changed it."""
        stored_issues = self._store.read_state("issue/")
        for key, state in stored_issues.items():
            try:
                issue = from_state(state)
            except (KeyError, TypeError, ValueError, AttributeError):
                _log.warning("a stored issue cannot be read and is dropped: %s", key)
                self._store.write_state({key: None})
                continue
            self._adopt(issue)
        if is_shared:
            kept = {*self._unsaved, *(key.removeprefix("issue/") for key in stored_issues)}
            self._drop([issue for fingerprint, issue in self._issues.items() if fingerprint not in kept])
            self._deleted.clear()
        stored = self._store.read_state("versions").get("versions")
        self._versions = [str(each) for each in stored] if isinstance(stored, list) else []  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
        self.use_version(self.version)

    def _adopt(self, stored: Issue) -> None:
        """Go on with a stored issue, and what was counted here since it was last read."""
        local = self._issues.get(stored.fingerprint) if stored.fingerprint in self._unsaved else None
        whole = stored if local is None else merged(stored, local, self._stored.get(stored.fingerprint))
        if local is not None and stored.fingerprint in self._decided:
            whole = decided(whole, local)
        self._issues[stored.fingerprint] = replace(whole)
        self._stored[stored.fingerprint] = stored
        self._by_reference[stored.reference] = stored.fingerprint

    def use_version(self, version: str) -> None:
        """Note which version of the bot runs now."""
        self.version = version
        if version and version not in self._versions:
            self._versions = [*self._versions, version][-_MOST_VERSIONS:]
            self._store.write_state({"versions": self._versions})

    # -- events

    def note(self, event: Event) -> Event:
        """Count an event and return it with the reference of its issue; the first after a cure says that it is back."""
        if not _is_error(event):
            return event
        issue = self._issues.get(event.fingerprint)
        if issue is None:
            issue = self._add(event)
            self._new.add(event.fingerprint)
        issue.count_one(event.time)
        issue.seen_in = self.version
        self._unsaved.add(issue.fingerprint)
        if self._new and (len(self._new) >= _TOGETHER or abs(event.time - self._new_saved) > _APART_SECONDS):
            # Its card has buttons, and a process that is killed now must know it again; of a burst many are one write.
            self._new_saved = event.time
            self._save(set(self._new))
            issue = self._issues[issue.fingerprint]
        note = event.note
        if issue.state == IssueState.RESOLVED:
            if is_later(self.version, issue.version, self._versions):
                note = _regression(issue, self.version)
                issue.decide(IssueState.OPEN, "", event.time, self.version)
                self._save({issue.fingerprint}, is_decision=True)
            else:
                issue.held += 1
        return replace(event, issue=issue.reference, note=note)

    def knows(self, fingerprint: str) -> bool:
        """Whether there is an issue of a fingerprint."""
        return fingerprint in self._issues

    def holds(self, event: Event) -> bool:
        """Whether an event is only counted: its issue is resolved, and the version that runs does not have the cure yet."""
        issue = self._issues.get(event.fingerprint)
        return issue is not None and issue.state == IssueState.RESOLVED and bool(event.issue)

    def _add(self, event: Event) -> Issue:
        if len(self._issues) >= _MOST:
            self._drop(sorted(self._issues.values(), key=_worth)[: _MOST // 100])
        reference = self._free_reference(event.fingerprint)
        issue = Issue(event.fingerprint, reference, title_of(text_pattern(event.message)), event.time, event.time)
        self._issues[issue.fingerprint], self._by_reference[reference] = issue, issue.fingerprint
        return issue

    def reference_of(self, fingerprint: str) -> str:
        """Return the reference of an issue, or the one that a new issue would get. May be called from any thread."""
        issue = self._issues.get(fingerprint)
        return self._free_reference(fingerprint) if issue is None else issue.reference

    def _free_reference(self, fingerprint: str) -> str:
        digest = fingerprint.rpartition("-")[2].upper()
        # As many letters as no other issue begins with.
        names = (f"E-{digest[:length]}" for length in range(_SHORTEST, len(digest) + 1))
        return next((name for name in names if name not in self._by_reference), f"E-{digest}")

    # -- decisions

    def decide(self, fingerprint: str, state: IssueState, by: str, now: float) -> tuple[Issue, bool] | None:
        """Set the state of an issue; returns it, and whether that changed anything. None when there is none."""
        issue = self._issues.get(fingerprint)
        if issue is None:
            return None
        if issue.state == state:
            return replace(issue), False
        issue.decide(state, by, now, self.version)
        issue.held = 0
        self._save({fingerprint}, is_decision=True)
        return replace(self._issues[fingerprint]), True

    def restore(self, event: Event) -> None:
        """Know an issue again by the event of its card, if it was not written before the process was killed."""
        if event.fingerprint not in self._issues and _is_error(event):
            self._add(event).count = 1
            self._save({event.fingerprint})

    def find(self, text: str) -> Issue | None:
        """Return the issue of a reference (E-7F3A, in any case, with or without E-) or of a fingerprint."""
        name = text.strip().upper()
        name = name if name.startswith("E-") else f"E-{name}"
        issue = self._issues.get(self._by_reference.get(name, text.strip()))
        return None if issue is None else replace(issue)

    def peek(self, fingerprint: str) -> Issue | None:
        """Return the issue of a fingerprint, to be looked at only. May be called from any thread."""
        return self._issues.get(fingerprint)

    def all(self, state: IssueState | None = None) -> Sequence[Issue]:
        """Return the issues, those seen last first."""
        found = [replace(issue) for issue in self._issues.values() if state is None or issue.state == state]
        return sorted(found, key=lambda issue: -issue.last)

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Forget issues whose stored text is meant; it is deleted elsewhere."""
        meant = [issue for issue in self._issues.values() if is_meant(json.dumps(to_state(issue)))]
        self._drop(meant)
        # A later deletion could hit a new issue of the same error, which another process has stored meanwhile.
        self._deleted.difference_update(issue.fingerprint for issue in meant)

    # -- the storage

    def save(self, now: float) -> None:
        """Write what has changed, and drop what was resolved long ago."""
        old = [issue for issue in self._issues.values() if _is_over(issue, now)]
        if old:
            self._drop(old)
        self._save(self._unsaved)

    def _save(self, fingerprints: set[str], *, is_decision: bool = False) -> None:
        if is_decision:
            self._decided |= fingerprints
        if self._deleted:
            self._store.write_state(dict.fromkeys(f"issue/{key}" for key in self._deleted))
            self._deleted.clear()
        names = [key for key in fingerprints if key in self._issues]
        changes = {f"issue/{key}": partial(self._merge, key) for key in names}
        # The process that sends draws the cards, with what is known of their issues.
        is_news = bool((self._decided | self._new).intersection(names))
        saved = self._store.update_state(changes, is_news=is_news) if changes else {}
        self._new -= set(names)
        for key in names:
            if f"issue/{key}" in saved:
                self._unsaved.discard(key)
                self._decided.discard(key)
                self._adopt(from_state(saved[f"issue/{key}"]))
            else:
                # Another time: the storage cannot say what the others counted.
                self._unsaved.add(key)

    def _merge(self, fingerprint: str, stored: Any) -> dict[str, Any]:
        local = self._issues[fingerprint]
        try:
            known = from_state(stored)
        except (KeyError, TypeError, ValueError, AttributeError):
            return to_state(local)
        whole = merged(known, local, self._stored.get(fingerprint))
        return to_state(decided(whole, local) if fingerprint in self._decided else whole)

    def _drop(self, issues: Sequence[Issue]) -> None:
        for issue in issues:
            del self._issues[issue.fingerprint]
            self._by_reference.pop(issue.reference, None)
            self._unsaved.discard(issue.fingerprint)
            self._new.discard(issue.fingerprint)
            self._stored.pop(issue.fingerprint, None)
            self._deleted.add(issue.fingerprint)


def _is_error(event: Event) -> bool:
    is_error = event.kind in (EventKind.LOG, EventKind.ERROR) and event.level.number >= LogLevel.ERROR.number
    return is_error and not event.card and FINGERPRINT.match(event.fingerprint) is not None


def _is_over(issue: Issue, now: float) -> bool:
    return issue.state == IssueState.RESOLVED and now - max(issue.since, issue.last) > _RESOLVED_SECONDS


def _worth(issue: Issue) -> tuple[bool, float]:
    """Order issues so that those that may go first come first: the resolved, then those not seen for longest."""
    return issue.state != IssueState.RESOLVED, issue.last


def _regression(issue: Issue, version: str) -> str:
    resolved = f" in {issue.version}" if issue.version else ""
    seen = f", seen in {version}" if version else ""
    return f"Regression: resolved{resolved} by {issue.by}{seen}"
