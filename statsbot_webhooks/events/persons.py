"""Persons among the values of the host's code: Discord's users and members, so that masking knows their names.

They are known by the names of their classes, as this layer knows no library of Discord's. No function here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from .event import Person
from .plain_values import MAX_ITEMS, plain_integer, plain_text, to_plain

# The bot itself, a `ClientUser`, is no person.
_CLASSES: Final = ("Member", "User")
_NAMES: Final = ("name", "display_name", "global_name", "nick")
_MOST_CLASSES: Final = 2048
_USUAL: Final = frozenset((str, int, float, bool, type(None), list, dict, tuple))


class PersonText(str):
    """The text of a person's object, kept where the object itself may change or live too long."""

    __slots__ = ("person",)
    person: Person


class _ArePersons(dict[type, bool]):
    """Whether a class is that of a person. A bounded cache, for it is asked for each argument of each log record."""

    def __missing__(self, kind: type) -> bool:
        if len(self) >= _MOST_CLASSES:
            self.clear()
        try:
            found = any(base.__name__ in _CLASSES for base in type.mro(kind))
        except Exception:  # noqa: BLE001 - a guard: a metaclass of the host may answer for the name
            found = False
        self[kind] = found
        return found


_is_person: Final = _ArePersons()


def persons_in(values: Iterable[object]) -> tuple[Person, ...]:
    """Return the persons among values, and among the items of lists and mappings in them."""
    found: dict[int, Person] = {}
    for value in islice(values, MAX_ITEMS):
        kind: object = type(value)
        items: Any = value if kind in (list, tuple) else list(value.values()) if kind is dict else (value,)  # type: ignore[attr-defined]
        for each in islice(items, MAX_ITEMS):
            person = each.person if type(each) is PersonText else _person(each) if _is_person[type(each)] else None
            if person is not None:
                found[person.id] = person
    return tuple(found.values())


def plain_with_persons(values: Mapping[str, object]) -> dict[str, Any]:
    """Return a JSON-able copy of values, in which the texts of persons know whose they are."""
    plain: dict[str, Any] = to_plain(values)
    for key, value in values.items():
        if _is_person[type(value)] and type(plain.get(key)) is str and (person := _person(value)) is not None:
            plain[key] = text = PersonText(plain[key])
            text.person = person
    return plain


def names_person(args: Any) -> bool:
    """Whether a person is among the arguments of a log record. Asked for each record, and so without a loop for usual values."""
    kind: object = type(args)  # pyright: ignore[reportUnknownVariableType]
    if kind is tuple and _USUAL.issuperset(map(type, args)):
        return False
    return any(_is_person[type(value)] for value in (args if kind is tuple else list(args.values()) if kind is dict else ()))


def text_without_names(template: object, args: object) -> str:
    """Return the text of a log record in which each person is a mention, for a place where masking does not know them."""
    try:
        values: Any = args
        if type(args) is dict:
            return str(template) % {key: _mention(value) for key, value in values.items()}
        return str(template) % tuple(map(_mention, values))
    except Exception:  # noqa: BLE001 - a guard: a wrong format, or a class of the host
        return plain_text(template)


def _mention(value: Any) -> Any:
    return f"<@{value.id}>" if _is_person[type(value)] else value


def _person(value: object) -> Person | None:
    try:
        number = plain_integer(value.id)  # type: ignore[attr-defined]
        names = [plain_text(name) for name in (getattr(value, each, None) for each in _NAMES) if name]
    except Exception:  # noqa: BLE001 - a guard: the host's class of that name may do anything
        return None
    return None if number is None else Person(number, tuple(dict.fromkeys(names)))
