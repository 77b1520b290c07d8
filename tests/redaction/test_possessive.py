"""Repeats that never give back are right on every Python 3.11 too."""

from __future__ import annotations

import importlib
import pkgutil
import re
import re._constants as codes  # pyright: ignore[reportMissingTypeStubs]
import re._parser as parser  # pyright: ignore[reportMissingTypeStubs]
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

import statsbot_webhooks
from statsbot_webhooks.redaction import labelled_secrets, name_words, rules, scanner
from statsbot_webhooks.redaction.late_patterns import BuiltPattern
from statsbot_webhooks.redaction.redactor import Redactor

_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Yield the patterns of all modules, and those that are made when they are first needed."""
    for module in pkgutil.walk_packages(statsbot_webhooks.__path__, "statsbot_webhooks."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    modules = [module for name, module in sys.modules.items() if name.startswith("statsbot_webhooks.")]
    for module in modules:
        for name, value in vars(module).items():
            for pattern in _within(value):
                yield f"{module.__name__}.{name}", pattern
    for make in (scanner._behind_boundary, scanner._behind_escape):
        yield make.__name__, make()
    for row in (*scanner._anchored(), *scanner._addresses()):
        yield row.anchor, row.pattern
        yield row.anchor, row.before
    for number, pattern in enumerate(
        (name_words._others(), *name_words._escaped()[1].values(), labelled_secrets._bulk(), rules._search()._pattern)
    ):
        yield f"names {number}", pattern
    for is_option in (False, True):
        yield f"joint {is_option}", labelled_secrets._tail(is_option=is_option)


def _within(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, BuiltPattern):
        yield value.build()
    elif isinstance(value, dict):
        for part in value.values():
            yield from _within(part)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for part in value:
            yield from _within(part)


def unsafe_repeats(items: Iterable[Any]) -> Iterator[Any]:
    """Yield what a possessive repeat repeats, unless it is one character or an atomic group."""
    for code, argument in items:
        if code is codes.POSSESSIVE_REPEAT and not _gives_nothing_back(argument[2]):
            yield argument[2]
        yield from _inner(argument)


def _inner(argument: Any) -> Iterator[Any]:
    if isinstance(argument, parser.SubPattern):
        yield from unsafe_repeats(argument)
    elif isinstance(argument, (tuple, list)):
        for part in argument:
            yield from _inner(part)


def _gives_nothing_back(body: Any) -> bool:
    if len(body) != 1:
        return False
    code, argument = body[0]
    if code is codes.SUBPATTERN:
        return argument[0] is None and _gives_nothing_back(argument[3])
    return code is codes.ATOMIC_GROUP or code in _SINGLE


@pytest.mark.slow
def test_what_is_repeated_without_giving_back_is_an_atomic_group() -> None:
    """Python below 3.11.5 goes on behind what failed in the middle: (?:a|>(?!p))++ takes all of 'a>' of 'a>p'.

    https://github.com/python/cpython/issues/106052
    """
    seen = {pattern: name for name, pattern in patterns()}
    assert len(seen) > 100
    wrong = {name for pattern, name in seen.items() if any(unsafe_repeats(parser.parse(pattern.pattern, pattern.flags)))}
    assert wrong == set()


def test_the_check_finds_such_a_repeat() -> None:
    assert list(unsafe_repeats(parser.parse(r"x(?:(?=y)(?:ab|c(?!d))++)")))
    assert not list(unsafe_repeats(parser.parse(r"x(?>ab|c(?!d))++[ab]*+(?:c)?+")))


@pytest.mark.parametrize(
    "text", ["passw=3>password=Zx81-planted", "password=<:a:5>\npassword=Zx81-planted", "pwd=1>x&pwd=Zx81-planted"]
)
def test_a_value_that_another_name_ends(text: str) -> None:
    assert "planted" not in Redactor().redact_text(text)
