"""Routes: which handler answers which method and path. A path without a handler is said to be not implemented.

What a route does does not live here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from re import Pattern
from typing import Final

from aiohttp import web

from .errors import Refusal
from .http import Body

# `{channel}` is an id, `{emoji:text}` anything within one part of the path.
_PLACE: Final = re.compile(r"\{(\w+)(:text)?\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a route: the ids in its path, its query, its body, and the reason for the audit log."""

    method: str
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Body
    reason: str | None = None

    def id(self, name: str) -> int:
        return int(self.ids[name])

    def number(self, name: str, default: int) -> int:
        """Return a number of the query; raises `Refusal` when it is none."""
        value = self.query.get(name, str(default))
        if not value.isdigit():
            raise Refusal(400, 50035, "Invalid Form Body", {name: {"_errors": [{"code": "NUMBER_TYPE_COERCE"}]}})
        return int(value)


Handler = Callable[[Call], web.Response]


class Routes:
    """A table of routes, asked in the order in which they were added."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, str, Pattern[str], Handler]] = []

    def add(self, route: str, handler: Handler) -> None:
        """Add a route, as "GET /channels/{channel}"."""
        method, template = route.split()

        def group(place: re.Match[str]) -> str:
            return f"(?P<{place[1]}>{'[^/]+' if place[2] else r'[0-9]+'})"

        self._routes.append((method, template, re.compile(_PLACE.sub(group, template) + r"\Z"), handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """Return the handler of a request and the ids in its path; nothing when there is none."""
        for known, _template, pattern, handler in self._routes:
            match = pattern.match(path) if known == method else None
            if match is not None:
                return handler, match.groupdict()
        return None

    def names(self) -> list[str]:
        """Return each route as "GET /channels/{channel}", for the list of what is implemented."""
        return [f"{method} {template.replace(':text', '')}" for method, template, _pattern, _handler in self._routes]


def not_implemented(method: str, path: str, *, status: int = 501) -> Refusal:
    """Return the refusal of a request that Discord may know and the sandbox does not."""
    return Refusal(status, 0, f"the sandbox does not implement {method} {path}")
