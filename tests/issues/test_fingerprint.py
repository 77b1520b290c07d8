"""What is the same error, and what is another one: pairs of programs and of log lines, before and after a deploy."""

from __future__ import annotations

import importlib
import itertools
import linecache
import logging
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsbot_webhooks.capture.logs.handler import WebhookLogHandler
from statsbot_webhooks.events.event import Event, EventKind, LogLevel, decode, encode
from statsbot_webhooks.events.factory import error_event, member_event
from statsbot_webhooks.issues.fingerprint import FINGERPRINT, fingerprint, finish, with_fingerprint
from statsbot_webhooks.issues.old_fingerprint import old_fingerprint
from statsbot_webhooks.issues.text_pattern import has_words, text_pattern

from ..cpu_time import ratio

SAME, DIFFERENT = True, False
_numbers = itertools.count()


class Programs:
    """Writes programs into folders, runs them, and returns the fingerprints of what they raise."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def crash(self, source: str, *, at: str = "v1", name: str = "shop.py", call: str = "run", zipped: bool = False) -> str:
        root = self._folder / f"{at}{next(_numbers)}"
        root.mkdir()
        if zipped:
            root = root / "app.zip"
            with zipfile.ZipFile(root, "w") as archive:
                archive.writestr(name, source)
        else:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        module = name.removesuffix(".py").replace("/", ".")
        with self._monkeypatch.context() as patch:
            patch.syspath_prepend(str(root))
            sys.modules.pop(module, None)
            sys.modules.pop(module.partition(".")[0], None)
            found = importlib.import_module(module)
            try:
                getattr(found, call)()
            except BaseException as error:
                key = with_fingerprint(finish(error_event(error, now=1.0))).fingerprint
            else:
                raise AssertionError("it did not fail")
            sys.modules.pop(module, None)
        assert FINGERPRINT.match(key)
        return key


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


BASE = "def load(key):\n    return {}[key]\n\ndef run():\n    return load('a')\n"
PROGRAMS = {
    "a line is added above": (SAME, BASE, "import os\n\n" + BASE),
    "a comment is added between": (SAME, BASE, BASE.replace("def run", "# why\ndef run")),
    "the function gets a docstring": (SAME, BASE, BASE.replace("(key):\n", "(key):\n    '''Load.'''\n")),
    "the function is renamed": (SAME, "def run():\n    1 / 0\n", "def other():\n    1 / 0\nrun = other\n"),
    "it is indented": (SAME, "def run():\n    int('x')\n", "def run():\n    if True:\n        int('x')\n"),
    "another value": (SAME, "def run():\n    raise KeyError(N)\nN = 1\n", "def run():\n    raise KeyError(N)\nN = 2\n"),
    "a lambda moves": (SAME, "run = lambda: 1 / 0\n", "\n\nrun = lambda: 1 / 0\n"),
    "two lambdas": (DIFFERENT, "run = lambda: 1 / 0\n", "run = lambda: 2 / 0\n"),
    "two bugs in one function": (
        DIFFERENT,
        "def run(n=0):\n    if n:\n        int('x')\n    int('y')\n",
        "def run(n=1):\n    if n:\n        int('x')\n    int('y')\n",
    ),
    "another type from the same line": (
        DIFFERENT,
        "def run():\n    raise E\nE = KeyError\n",
        "def run():\n    raise E\nE = IndexError\n",
    ),
    "another caller": (DIFFERENT, BASE, BASE.replace("return load('a')", "return [load('a')]")),
    "the line is written anew": (DIFFERENT, BASE, BASE.replace("{}[key]", "dict()[key]")),
    "recursion of another depth": (
        SAME,
        "def walk(n):\n    return walk(n - 1) if n else 1 / 0\ndef run():\n    walk(N)\nN = 5\n",
        "def walk(n):\n    return walk(n - 1) if n else 1 / 0\ndef run():\n    walk(N)\nN = 50\n",
    ),
    "endless recursion that ends elsewhere": (
        SAME,
        "def leaf():\n    return 1\ndef walk():\n    leaf()\n    walk()\ndef run():\n    walk()\n",
        "def leaf():\n    return 1\ndef walk():\n    leaf()\n    walk()\ndef run():\n    one()\ndef one():\n    walk()\n".replace(
            "    one()", "    walk()"
        ),
    ),
    "two endless recursions": (
        DIFFERENT,
        "def walk():\n    walk()\ndef run():\n    walk()\n",
        "def climb():\n    climb()\ndef run():\n    climb()\n",
    ),
    "a decorator with a line more": (
        SAME,
        "def deco(f):\n    def call():\n        return f()\n    return call\n@deco\ndef run():\n    1 / 0\n",
        "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def call():\n        return f()\n    return call\n"
        "@deco\ndef run():\n    1 / 0\n",
    ),
    "exec of one text": (
        SAME,
        "def run():\n    exec('def a():\\n 1/0\\na()')\n",
        "\ndef run():\n    exec('def a():\\n 1/0\\na()')\n",
    ),
    "exec of two functions": (
        DIFFERENT,
        "def run():\n    exec(T)\nT = 'def a(): 1/0\\na()'\n",
        "def run():\n    exec(T)\nT = 'def b(): 1/0\\nb()'\n",
    ),
    "cause and none": (
        DIFFERENT,
        "def run():\n    try: 1 / 0\n    except Exception as e: raise ValueError from C(e)\nC = lambda e: e\n",
        "def run():\n    try: 1 / 0\n    except Exception as e: raise ValueError from C(e)\nC = lambda e: None\n",
    ),
    "another cause": (
        DIFFERENT,
        "def run():\n    try: raise E\n    except Exception as e: raise ValueError from e\nE = KeyError\n",
        "def run():\n    try: raise E\n    except Exception as e: raise ValueError from e\nE = TypeError\n",
    ),
    "a group whose parts fail in another order": (
        SAME,
        "def run():\n    raise ExceptionGroup('g', P)\nP = [KeyError(), TypeError()]\n",
        "def run():\n    raise ExceptionGroup('g', P)\nP = [TypeError(), KeyError()]\n",
    ),
    "a group with other parts": (
        DIFFERENT,
        "def run():\n    raise ExceptionGroup('g', P)\nP = [TypeError()]\n",
        "def run():\n    raise ExceptionGroup('g', P)\nP = [KeyError()]\n",
    ),
    "a library inside": (
        SAME,
        "import json\ndef run():\n    json.loads('{')\n",
        "import json\n\ndef run():\n    json.loads('{')\n",
    ),
    "the library fails elsewhere": (
        SAME,
        "import json\ndef run():\n    json.loads(T)\nT = '{'\n",
        "import json\ndef run():\n    json.loads(T)\nT = '[1,'\n",
    ),
    "two lines of a syntax error": (
        DIFFERENT,
        "def run():\n    compile(T, 'x.py', 'exec')\nT = 'a b'\n",
        "def run():\n    compile(T, 'x.py', 'exec')\nT = 'c d'\n",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(programs: Programs, name: str) -> None:
    same, before, after = PROGRAMS[name]
    assert (programs.crash(before) == programs.crash(after)) is same


def test_the_text_of_the_command_line_is_not_that_of_exec(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    _, before, after = PROGRAMS["exec of two functions"]
    monkeypatch.setitem(linecache.cache, "<string>", (9, None, ["import bot\n"], "<string>"))
    assert programs.crash(before) != programs.crash(after)


def test_folders_zips_and_environments(programs: Programs) -> None:
    first = programs.crash(BASE, at="releases-1")
    assert programs.crash(BASE, at="current") == first
    assert programs.crash(BASE, zipped=True) == first
    nested = programs.crash(BASE, name="cogs/shop.py")
    assert programs.crash(BASE, at="other", name="cogs/shop.py") == nested != first
    assert programs.crash(BASE, name="market.py") != first
    assert programs.crash(BASE, name="games/shop.py") != nested


TRACE = 'Traceback (most recent call last):\n> File "{file}", line {line}, in run\n    {source}\nValueError: {text}\n'


def trace(file: str = "/srv/bot/shop.py", line: int = 7, source: str = "go()", text: str = "x", library: str = "") -> Event:
    below = f'  File "{library}", line 90, in send\n    raise error\n' if library else ""
    text = TRACE.format(file=file, line=line, source=source, text=text).replace("ValueError", f"{below}ValueError")
    return Event(EventKind.ERROR, LogLevel.ERROR, "x", 1.0, traceback=text)


V1, V2 = ("/srv/.venv{}/lib/python3.{}/site-packages/discord/http.py".format(*each) for each in (("", 11), ("-2", 12)))
TEXTS = {
    "line": (SAME, trace(line=7), trace(line=70)),
    "folder": (SAME, trace("/srv/v1/shop.py"), trace("/home/me/shop.py")),
    "Windows": (SAME, trace("/srv/v1/shop.py"), trace("C:\\bots\\shop.py")),
    "source": (DIFFERENT, trace(source="go()"), trace(source="stop()")),
    "file": (DIFFERENT, trace("/srv/shop.py"), trace("/srv/bank.py")),
    "text of the exception": (SAME, trace(text="a"), trace(text="b: c\n  and d")),
    "library": (SAME, trace(library=V1), trace(library=V2)),
    "library alone": (SAME, trace(V1), trace(V2)),
    "library with and without": (SAME, trace(library=V1), trace()),
    "level": (SAME, trace(), Event(EventKind.LOG, LogLevel.WARNING, "retry", 1.0, "app", traceback=trace().traceback)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_tracebacks_that_are_stored(name: str) -> None:
    same, one, other = TEXTS[name]
    assert (fingerprint(one) == fingerprint(other)) is same


def log(*args: object, name: str = "shop", level: int = logging.ERROR, **extra: object) -> str:
    found: list[Event] = []
    record = logging.LogRecord(name, level, __file__, 1, args[0], args[1:], None)
    vars(record).update(extra)
    WebhookLogHandler(found.append).handle(record)
    return with_fingerprint(finish(found[0])).fingerprint


LOGS = {
    "template": (SAME, ("order %s failed", "a"), ("order %s failed", "b")),
    "two templates": (DIFFERENT, ("order %s failed", "a"), ("payment %s failed", "a")),
    "no words of its own": (DIFFERENT, ("%s", "disk is full"), ("%s", "net is down")),
    "no words, same text": (SAME, ("%s", "order 1 failed"), ("%s: %s".replace(": %s", ""), "order 2 failed")),
    "two values without words": (DIFFERENT, ("%s: %s", "disk", "full"), ("%s: %s", "net", "down")),
    "f-string with a number": (SAME, ("order 17 failed",), ("order 18 failed",)),
    "f-string with an amount": (SAME, ("took 1.5e3 s",), ("took 12,000 s",)),
    "f-string with an id": (SAME, ("user 123456789012345678 left",), ("user 223456789012345678 left",)),
    "f-string with a uuid": (
        SAME,
        ("job 550e8400-e29b-41d4-a716-446655440000 died",),
        ("job a0e8400b-e29b-41d4-a716-446655440fff died",),
    ),
    "f-string with an address": (SAME, ("<Bot at 0x7f3a> hung",), ("<Bot at 0x55ffaa01> hung",)),
    "f-string with a host": (SAME, ("10.0.0.1:80 refused",), ("192.168.1.77:8080 refused",)),
    "f-string with IPv6": (SAME, ("fe80::1 refused",), ("2001:db8::7:1 refused",)),
    "f-string with a hash": (SAME, ("commit 1f3c9ab is gone",), ("commit abc4567 is gone",)),
    "f-string with a date": (SAME, ("no backup since 2024-01-02",), ("no backup since 2025-11-12",)),
    "f-string with a time": (SAME, ("since 2024-01-02T10:00:00Z",), ("since 2024-01-02T10:00:00.123+01:00",)),
    "f-string with a month": (SAME, ("since Mon, 2 Jan 2024",), ("since Tue, 13 Feb 2024",)),
    "f-string with an e-mail": (SAME, ("mail to ann@example.org bounced",), ("mail to bob@mail.example.com bounced",)),
    "f-string with a quote": (SAME, ("no song 'Let it be'",), ("no song 'Yesterday'",)),
    "f-string with a repr": (SAME, ('bad "x y" in [1, 2]',), ('bad "z" in [3]',)),
    "ids in paths": (SAME, ("GET /users/17/posts/3 is 404",), ("GET /users/18/posts/99 is 404",)),
    "random ids": (SAME, ("video dQw4w9WgXcQ is private",), ("video aB3d5fG7h9K is private",)),
    "other words": (DIFFERENT, ("order failed",), ("order refused",)),
    "an apostrophe is no quote": (DIFFERENT, ("can't find it, won't retry",), ("can't open it, won't retry",)),
    "f-string in a template": (SAME, ("guild 5: %s failed", "a"), ("guild 6: %s failed", "b")),
}


@pytest.mark.parametrize("name", LOGS)
def test_log_lines(name: str) -> None:
    same, one, other = LOGS[name]
    assert (log(*one) == log(*other)) is same


def test_there_are_sixty_pairs() -> None:
    assert len(PROGRAMS) + len(TEXTS) + len(LOGS) + 5 >= 60


def test_logger_and_level_tell_texts_apart_and_a_choice_overrides_all() -> None:
    assert log("disk is full", name="a") != log("disk is full", name="b")
    assert log("disk is full") != log("disk is full", level=logging.WARNING)
    assert (
        log("one thing", fingerprint="disk") == log("quite another", name="b", fingerprint="disk") != log("x", fingerprint="net")
    )
    assert log("x", fingerprint=["a", 1]) == log("y", fingerprint=["a", 1]) != log("y", fingerprint=["a", 2])
    one, other = (
        with_fingerprint(finish(error_event(e, now=1.0, context={"fingerprint": "db"}))) for e in (KeyError(), OSError())
    )
    assert one.fingerprint == other.fingerprint


def test_an_exception_that_was_never_raised_goes_by_what_was_said() -> None:
    one, same, other = (
        with_fingerprint(finish(error_event(ValueError(text), now=1.0, origin="x"))) for text in ("no 1", "no 2", "yes")
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_members_are_told_by_their_ids() -> None:
    one, other = (member_event("join", number, "ann", now=1.0) for number in (1, 2))
    assert fingerprint(one) != fingerprint(other)


def test_a_stored_event_keeps_its_fingerprint(programs: Programs) -> None:
    event = with_fingerprint(trace())
    assert decode(encode(event)).fingerprint == event.fingerprint == fingerprint(event)


def test_what_is_noted_and_what_is_stored_are_told_alike(tmp_path: Path) -> None:
    source = "def load(key):\n    return {}[key]\n"
    path = str(tmp_path / "elsewhere.py")
    linecache.cache[path] = (len(source), None, source.splitlines(True), path)
    scope: dict[str, Any] = {}
    exec(compile(source, path, "exec"), scope)  # noqa: S102
    with pytest.raises(KeyError) as caught:
        scope["load"]("x")
    event = with_fingerprint(finish(error_event(caught.value, now=1.0)))
    # What 0.1 stored has a text and no fingerprint.
    assert fingerprint(Event(event.kind, event.level, event.message, 1.0, traceback=event.traceback)) == event.fingerprint


def test_the_fingerprint_of_0_1_is_still_what_it_was() -> None:
    stored = (
        'Traceback (most recent call last):\n> File "/srv/bot/shop.py", line 17, in main\n    try: fail(n)\n         ^^^^^^^\n'
        '> File "/srv/bot/shop.py", line 15, in fail\n    raise ValueError(f"stored by 0.1: {n}")\nValueError: stored by 0.1: 2\n'
    )
    event = Event(EventKind.ERROR, LogLevel.ERROR, "ValueError: stored by 0.1: 2", 1.0, template="ValueError", traceback=stored)
    # The key of the card in tests/data/storage-0.1.0.sqlite3.
    assert old_fingerprint(event) == "f908c58130c2afed"


_pieces = st.sampled_from(
    [*"ab1f0xZ#'\"`@.:-+,_ %()[]/é\n‘’“”«»", "Jan ", "Mon ", "2024-01-02 10:00", "deadbeef1", "a@b.c", "%s", "{x}"]
)


@given(st.one_of(st.text(max_size=60), st.lists(_pieces, max_size=20).map("".join)))
def test_the_pattern_of_a_pattern_is_the_pattern(text: str) -> None:
    pattern = text_pattern(text)
    assert text_pattern(pattern) == pattern
    assert not any(char in "0123456789" for char in pattern)


HOSTILE = [
    " ",
    "\t\n",
    "1",
    "a",
    "ab1",
    "'",
    '"',
    "a@",
    "a.b",
    "#",
    "1,",
    "Mon ",
    "0x",
    "f:",
    "%",
    "1-",
    "“",
    "{",
    "%(",
    "<a>'b",
    "é1",
    "| ",
    "+-",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_nothing_on_the_way_is_worse_than_linear(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statsbot_webhooks.issues.text_pattern._LONGEST", 1 << 30)

    def read(size: int) -> None:
        text = (piece * size)[:size] + "!"
        event = trace(text=text)
        _ = text_pattern(text), has_words(text), fingerprint(event), old_fingerprint(event)

    # Sixteen times the text: a quadratic step would take 256 times as long.
    assert ratio(lambda: read(64_000), lambda: read(4_000), 100) < 100


@pytest.mark.parametrize(("start", "end"), [("a", "b"), ("<td>", "</td>")])
def test_a_long_text_of_a_member_does_not_hold_the_loop(start: str, end: str) -> None:
    found: list[Event] = []
    handler = WebhookLogHandler(found.append)

    def emit(spaces: int) -> None:
        try:
            raise LookupError(start + " " * spaces + end)
        except LookupError as error:
            record = logging.LogRecord("x", logging.ERROR, __file__, 1, "no item", (), (type(error), error, error.__traceback__))
        for _ in range(100):
            handler.handle(record)

    def finished(spaces: int) -> None:
        emit(spaces)
        for event in found[-10:]:
            with_fingerprint(finish(event))

    # On the loop a text of any length costs the same; in the intake in proportion: a quadratic step would be 256 times.
    assert ratio(lambda: emit(64_000), lambda: emit(0), 4) < 4
    assert ratio(lambda: finished(64_000), lambda: finished(4_000), 100) < 100
