"""What a new version of the bot brings: the errors of its first hour that are new, that came back, and that are gone.

On the intake's thread; kept in the storage for each bot, so that a restart in that hour goes on counting, and another bot that
shares the storage is not taken for an earlier version.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from ..config.commits import count_commits
from ..events.event import Event
from ..storage import StateStore
from .issue import IssueState
from .register import IssueRegister

_WATCHED_SECONDS: Final = 3600.0
# An error that was not seen for so long before is not gone because of the new version.
_RECENT_SECONDS: Final = 86400.0
_MOST: Final = 200


@dataclass(slots=True)
class Deploy:
    """A version that runs. `before` is the one that ran before it, empty for the first; `since` is when it began.

    `quiet` are the references of the errors that were about before and have not been seen since.
    """

    version: str
    commit: str = ""
    before: str = ""
    since: float = 0.0
    commits: int | None = None
    new: list[str] = field(default_factory=list[str])
    back: list[str] = field(default_factory=list[str])
    quiet: list[str] = field(default_factory=list[str])


class Deploys:
    """The running version of each bot of this process, and the cards that tell of it."""

    def __init__(
        self,
        store: StateStore,
        register: IssueRegister,
        count: Callable[[str, str], int | None] = count_commits,
    ) -> None:
        self._store = store
        self._register = register
        self._count = count
        # By bot: the version, and the event of its card.
        self._watched: dict[str, tuple[Deploy, Event]] = {}
        self._changed: set[str] = set()
        # Called, on any thread, when there is something to show at once.
        self.on_news: Callable[[], None] = lambda: None

    def note_start(self, event: Event) -> Event:
        """Return the event of a bot that came online with what is known of its version before."""
        version, bot = str(event.facts.get("version") or ""), str(event.facts.get("bot") or "")
        if event.facts.get("type") != "start" or not version or not bot or "deploy" in event.facts:
            return event
        commit, before = str(event.facts.get("commit") or ""), self._stored(bot)
        if before is None or before.version != version:
            deploy = Deploy(version, commit, "" if before is None else before.version, event.time)
            if before is not None:
                deploy.quiet = self._recent(event.time)
            self._write(bot, deploy)
        else:
            deploy = before
        if not deploy.before or event.time - deploy.since >= _WATCHED_SECONDS:
            return event
        shown = _with_deploy(event, deploy, is_over=False)
        self._watched[bot] = deploy, event
        if before is not None and deploy.commits is None and before.commit and commit and before.commit != commit:
            self._count_commits(bot, before.commit, commit)
        return shown

    def note_error(self, event: Event, *, is_new: bool) -> None:
        """Note an error that was seen; `is_new` says that its issue was not known before."""
        for bot, (deploy, _) in self._watched.items():
            if event.issue in deploy.quiet:
                deploy.quiet.remove(event.issue)
                self._changed.add(bot)
            into = deploy.new if is_new else deploy.back if event.note.startswith("Regression") else None
            if into is not None and event.issue not in into and len(into) < _MOST:
                into.append(event.issue)
                self._changed.add(bot)

    def take_news(self, now: float) -> list[Event]:
        """Return the cards that are to be shown anew; the last state of each after an hour."""
        found: list[Event] = []
        for bot, (deploy, event) in list(self._watched.items()):
            is_over = now - deploy.since >= _WATCHED_SECONDS
            if not is_over and bot not in self._changed:
                continue
            self._write(bot, deploy)
            found.append(replace(_with_deploy(event, deploy, is_over=is_over), ends_card=is_over))
            if is_over:
                del self._watched[bot]
        self._changed.clear()
        return found

    def _recent(self, now: float) -> list[str]:
        issues = self._register.all()
        return [issue.reference for issue in issues if issue.state != IssueState.RESOLVED and now - issue.last < _RECENT_SECONDS][
            :_MOST
        ]

    def _count_commits(self, bot: str, before: str, after: str) -> None:
        def run() -> None:
            count = self._count(before, after)
            if count is not None and (watched := self._watched.get(bot)) is not None:
                watched[0].commits = count
                self._changed.add(bot)
                self.on_news()

        # Git may take as long as its limit, and events wait for nothing.
        threading.Thread(target=run, name="statsbot_webhooks-commits", daemon=True).start()

    def _stored(self, bot: str) -> Deploy | None:
        state = self._store.read_state("deploy/").get(f"deploy/{bot}")
        return from_state(state) if isinstance(state, Mapping) else None  # pyright: ignore[reportUnknownArgumentType]

    def _write(self, bot: str, deploy: Deploy) -> None:
        self._store.write_state({f"deploy/{bot}": asdict(deploy)})


def from_state(state: Mapping[str, Any]) -> Deploy | None:
    """Return a stored version; None for what cannot be read."""
    try:
        lists = {name: [str(each) for each in state.get(name, ())] for name in ("new", "back", "quiet")}
        commits = state.get("commits")
        known = (str(state["version"]), str(state.get("commit", "")), str(state.get("before", "")), float(state["since"]))
        return Deploy(*known, None if commits is None else int(commits), **lists)
    except (KeyError, TypeError, ValueError):
        return None


def _with_deploy(event: Event, deploy: Deploy, *, is_over: bool) -> Event:
    facts = {"before": deploy.before, "commits": deploy.commits, "is_over": is_over}
    lists = {"new": list(deploy.new), "back": list(deploy.back), "gone": list(deploy.quiet)}
    return replace(event, facts={**event.facts, "deploy": {**facts, **lists}})
