"""Links from the frames of a traceback to the lines of a repository on the web.

There is a link only where the line is certain: the file is tracked, is byte by byte as git's index has it, and has not been
written since the program began. Reads files, so it is called on the intake's thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ..config.checkout import Checkout, program_checkout
from ..config.source_address import fill, link_form
from ..config.version import checkout_version
from ..events.event import Event

# Where an own frame stands in a traceback; library frames have no mark.
_OWN: Final = re.compile(r'^(?: *\|)? *> File "([^"\n]+)", line (\d+), in (.*)$', re.MULTILINE)
_MOST_LINKS: Final = 3
_MOST_FILES: Final = 500


class SourceLinks:
    """The links of one program. `source_url` is the repository's address, or the form of a link; empty is the remote's."""

    def __init__(
        self,
        source_url: str,
        *,
        started: float,
        checkout: Callable[[], Checkout | None] = program_checkout,
        commit: Callable[[], str] = lambda: checkout_version().commit,
    ) -> None:
        self._source_url = source_url
        self._started = started
        self._find_checkout = checkout
        self._find_commit = commit
        self._form: str | None = None
        self._checked: dict[str, tuple[tuple[int, int], bool]] = {}

    def add(self, event: Event) -> Event:
        """Return an event with the links of its innermost own frames among its facts."""
        if not event.traceback or "source" in event.facts:
            return event
        links = self._links(event.traceback)
        return replace(event, facts={**event.facts, "source": links}) if links else event

    def _links(self, trace: str) -> list[dict[str, str]]:
        checkout = self._find_checkout()
        form = self._link_form(checkout) if checkout is not None else ""
        if checkout is None or not form:
            return []
        places = list(dict.fromkeys((match[1], match[2], match[3]) for match in _OWN.finditer(trace)))
        found: list[dict[str, str]] = []
        for file, line, function in reversed(places):
            if len(found) < _MOST_LINKS and self._is_as_committed(checkout, file):
                name = checkout.name_of(Path(file))
                url = fill(form, path=quote(name), line=line)
                found.append({"at": f"{name}:{line}", "within": function, "url": url})
        return found

    def _link_form(self, checkout: Checkout) -> str:
        if self._form is None:
            form, commit = link_form(self._source_url or checkout.remote()), self._find_commit()
            self._form = fill(form, commit=commit) if commit or "{commit}" not in form else ""
        return self._form

    def _is_as_committed(self, checkout: Checkout, file: str) -> bool:
        path = Path(file)
        try:
            stat = path.stat()
        except (OSError, ValueError):
            return False
        if stat.st_mtime > self._started:
            # What runs is what was read before.
            return False
        mark = (stat.st_mtime_ns, stat.st_size)
        known = self._checked.get(file)
        if known is None or known[0] != mark:
            if len(self._checked) >= _MOST_FILES:
                self._checked.clear()
            known = self._checked[file] = (mark, checkout.has_unchanged(path))
        return known[1]
