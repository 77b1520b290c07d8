"""An event is made of all that a host passes: each field becomes sound by itself, and what cannot be read costs only itself."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person, decode, encode
from statsbot_webhooks.events.plain_values import MAX_VALUES, is_plain, to_plain

FIELDS = {"kind": EventKind.LOG, "level": LogLevel.INFO, "message": "text", "time": 5.0}


class Proxy:
    """As werkzeug's LocalProxy outside of a request."""

    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError("Working outside of request context.")


class Rows(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("connection is closed")


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Number(int):
    def __int__(self) -> int:
        raise RuntimeError("no int")


class Real(float):
    def __float__(self) -> float:
        raise RuntimeError("no float")


class Endless(list[int]):
    def __iter__(self) -> Any:
        while True:
            yield 1


class Silent:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


class NamelessType(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError


class Nameless(metaclass=NamelessType):
    def __str__(self) -> str:
        raise RuntimeError


class Color(enum.Enum):
    RED = 0xFF0000


def circle() -> list[Any]:
    found: list[Any] = []
    found += [found] * 200
    return found


ODD = [
    *(None, True, -1, 10**5000, 1.5, math.nan, math.inf, 10**30, "text", "", "\ud800", b"\xff", bytearray(b"x")),
    *([], {}, (), set(), [1], {1: 2}, {"a": object()}, (1, 2), range(3), object(), Exception("x"), type, len),
    *(datetime.datetime(2026, 1, 1), datetime.datetime.now(datetime.UTC), datetime.date(2026, 1, 1)),
    *(decimal.Decimal("1.5"), decimal.Decimal("NaN"), decimal.Decimal("sNaN"), 1j, Color.RED, LogLevel.ERROR),
    *(Proxy(), Rows(a=1), Text("x"), Number(3), Real(2.0), Endless(), Silent(), Nameless(), circle()),
    *([Proxy()], {"a": Rows(a=1)}, {Text("x"): Text("x")}, {Silent.__str__: Silent()}, [[[[[[[[1]]]]]]]]),
]


def check(event: Event) -> None:
    """What every part behind it relies on."""
    assert decode(encode(event)) == event
    json.dumps(event.context, allow_nan=False)
    assert datetime.datetime.fromtimestamp(event.time, datetime.UTC)
    assert is_plain(event.context)
    for name in ("message", "origin", "template", "title", "card", "avatar_url"):
        assert type(getattr(event, name)) is str
    assert (type(event.kind), type(event.level), type(event.ends_card)) == (EventKind, LogLevel, bool)


@pytest.mark.parametrize("name", list(Event.__dataclass_fields__))
def test_any_value_in_any_field_makes_a_sound_event(name: str) -> None:
    for value in ODD:
        event = Event(**{**FIELDS, name: value})  # type: ignore[arg-type]
        check(event)
        assert name == "message" or event.message == "text"


@given(st.data())
def test_any_values_in_all_fields_make_a_sound_event(data: st.DataObject) -> None:
    # Not sampled_from(ODD): hypothesis itself cannot look at some of them.
    number = st.integers(0, len(ODD) - 1)
    check(Event(**{name: ODD[data.draw(number)] for name in Event.__dataclass_fields__}))


@pytest.mark.parametrize("number", range(len(ODD)))
def test_any_value_has_a_plain_copy(number: int) -> None:
    value = ODD[number]
    for each in (value, [value], {"a": value}, {"a": [value, value]}):
        plain = to_plain(each)
        assert is_plain(plain)
        assert is_plain(to_plain({"kept": 1, "odd": each}))
        assert to_plain({"kept": 1, "odd": each})["kept"] == 1
        json.dumps(plain, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (5, 5.0),
        (decimal.Decimal("1.5"), 1.5),
        ("1767225600", 1767225600.0),
        ("2026-01-01T00:00:00+00:00", 1767225600.0),
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), 1767225600.0),
        (1767225600_000, 1767225600.0),
        (1767225600_000_000_000, 1767225600.0),
    ],
)
def test_a_time_that_can_be_understood_is_kept(value: Any, seconds: float) -> None:
    assert Event(**{**FIELDS, "time": value}).time == seconds  # type: ignore[arg-type]


def test_a_time_that_is_none_becomes_now() -> None:
    for value in (None, "soon", math.nan, math.inf, -1.0, 10**30, object(), Proxy(), Real(2.0), Silent()):
        before = time.time()
        assert before <= Event(**{**FIELDS, "time": value}).time <= time.time()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "level"),
    [("info", "INFO"), ("WARN", "WARNING"), ("fatal", "CRITICAL"), (35, "WARNING"), (0, "DEBUG"), ([], "WARNING")],
)
def test_a_level_is_read_from_texts_and_numbers(value: Any, level: str) -> None:
    assert Event(**{**FIELDS, "level": value}).level.value == level  # type: ignore[arg-type]


def test_persons_and_files_of_other_forms_are_read_one_by_one() -> None:
    event = Event(**FIELDS, persons=(1, Person(2, ("x",)), Silent(), Person("3", [4])), files=[EventFile("a", "b"), 5])  # type: ignore[arg-type]
    assert event.persons == (Person(1), Person(2, ("x",)), Person(3, ("4",)))
    assert event.files == (EventFile("a", "b"), EventFile("unreadable.txt", "This was no file: 5"))


def test_a_large_value_ends_in_a_note() -> None:
    assert to_plain(10**5000) == "(integer of about 4983 digits)"
    assert to_plain(list(range(300)))[-1] == "(100 more)"
    assert to_plain(dict.fromkeys(range(300)))["..."] == "(100 more)"
    assert len(str(to_plain(circle()))) < MAX_VALUES * 50


def test_keys_that_have_the_same_text_are_all_kept() -> None:
    assert to_plain({1: "a", "1": "b"}) == {"1": "a", "1_": "b"}


def test_a_sound_event_keeps_its_own_context() -> None:
    context = {"a": [1, {"b": None}]}
    assert Event(**FIELDS, context=context).context is context  # type: ignore[arg-type]
