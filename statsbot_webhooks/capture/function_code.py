"""Function code: compile a host's function anew from its source, with a call of ours at its beginning and its end.

So it is called under every name that code has for it, its arguments stay the same, and no frame of ours is in its tracebacks.
Users in `capture` and `integration` decide what happens with the calls.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator
from types import CodeType
from typing import Any, Final, Protocol

PLACEHOLDER: Final = "the function tap goes here"
_LOCAL: Final = "_statsbot_webhooks_call"
_GENERATOR: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class Running(Protocol):
    """A call in progress."""

    def end(self) -> object:
        """Called by the function when it ends, also when it raises."""
        ...


class Tap(Protocol):
    """Gets the calls of a function. Its methods must not raise."""

    def begin(self, arguments: dict[str, Any], /) -> Running:
        """Called by the function when it begins."""
        ...


def rewritten(code: CodeType, tap: Tap) -> CodeType | None:
    """Return the code of a function with our calls in it; None when its source is missing, or differs from the code."""
    source = "".join(linecache.getlines(code.co_filename))
    if not source or code.co_flags & _GENERATOR:
        return None
    try:
        tree = ast.parse(source, code.co_filename)
        as_it_is = _find(compile(source, code.co_filename, "exec", dont_inherit=True), code)
    except (SyntaxError, ValueError):
        return None
    if as_it_is is None or (as_it_is.co_code, as_it_is.co_names) != (code.co_code, code.co_names):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_of(node, code):
            _insert_calls(node)
    found = _find(compile(tree, code.co_filename, "exec", dont_inherit=True), code)
    return None if found is None else with_tap(found, tap)


def with_tap(code: CodeType, tap: object) -> CodeType:
    """Return the code with a tap in place of `PLACEHOLDER`."""
    # As a constant, because the code runs with the host's globals, to which no name may be added.
    return code.replace(co_consts=tuple(tap if each == PLACEHOLDER else each for each in code.co_consts))


def _is_of(node: ast.FunctionDef | ast.AsyncFunctionDef, code: CodeType) -> bool:
    first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
    return node.name == code.co_name and first == code.co_firstlineno


def _find(module: CodeType, code: CodeType) -> CodeType | None:
    for each in _codes_in(module):
        if (each.co_qualname, each.co_firstlineno, each.co_freevars) == (
            code.co_qualname,
            code.co_firstlineno,
            code.co_freevars,
        ):
            return each
    return None


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes_in(each)


def _insert_calls(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = [each.arg for each in (*every, node.args.vararg, node.args.kwarg) if each is not None]
    given = ", ".join(f"{name!r}: {name}" for name in names)
    begin = ast.parse(f"{_LOCAL} = {PLACEHOLDER!r}.begin({{{given}}})").body[0]
    end = ast.parse(f"{_LOCAL}.end()").body[0]
    is_documented = ast.get_docstring(node, clean=False) is not None
    doc, body = (node.body[:1], node.body[1:]) if is_documented else ([], node.body)
    # The function's own statements keep their positions, so that tracebacks show them as before.
    for ours in (begin, end):
        for each in ast.walk(ours):
            ast.copy_location(each, node.body[0])
    guarded = ast.copy_location(ast.Try(body=body or [ast.Pass()], handlers=[], orelse=[], finalbody=[end]), node.body[0])
    node.body = [*doc, begin, ast.fix_missing_locations(guarded)]
