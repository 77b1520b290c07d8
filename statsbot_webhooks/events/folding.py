"""Repeats of one event as one entry: how often, from when to when, where. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from .event import Event, EventKind, decode, encode

Item = TypeVar("Item")

# More places than a card can name are counted as one, under this name.
_OTHERS: Final = "others"
_MAX_PLACES: Final = 10
# The times of at most so many repeats draw the sparkline; more are thinned out, the count is not touched.
_MAX_TIMES: Final = 240


@dataclass(frozen=True, slots=True)
class Fold:
    """Repeats of one event. `event` is the newest of the highest level; `first` and `last` are seconds since the epoch.

    `guilds`, `commands` and `processes` count where it happened; `times` draw the sparkline.
    """

    event: Event
    count: int = 1
    first: float = 0.0
    last: float = 0.0
    times: tuple[float, ...] = ()
    guilds: Mapping[str, int] = field(default_factory=dict[str, int])
    commands: Mapping[str, int] = field(default_factory=dict[str, int])
    processes: Mapping[str, int] = field(default_factory=dict[str, int])


def fold_of(event: Event) -> Fold:
    """Return an event that has happened once."""
    places = {key: {str(value): 1} for key in ("guild", "command") if (value := event.context.get(key))}
    processes = {event.process: 1} if event.process else {}
    times = (event.time,)
    return Fold(event, 1, event.time, event.time, times, places.get("guild", {}), places.get("command", {}), processes)


def merge(earlier: Fold, later: Fold) -> Fold:
    """Return two folds of the same fingerprint as one."""
    times = (*earlier.times, *later.times)
    return Fold(
        later.event if later.event.level.number >= earlier.event.level.number else earlier.event,
        earlier.count + later.count,
        min(earlier.first, later.first),
        max(earlier.last, later.last),
        _thin(times),
        _sum(earlier.guilds, later.guilds),
        _sum(earlier.commands, later.commands),
        _sum(earlier.processes, later.processes),
    )


@dataclass(frozen=True, slots=True)
class Group:
    """A fold, the events that are in it, oldest first, and where these stood among all."""

    fold: Fold
    events: Sequence[Event]
    positions: Sequence[int] = ()


def paced(items: Iterable[Item], pause: Callable[[], object], at_once: int = 100) -> Iterator[Item]:
    """Yield items, with a pause before every `at_once` of them in which other threads may run."""
    for index, item in enumerate(items):
        if index % at_once == 0:
            pause()
        yield item


def no_pause() -> None:
    """Go on at once."""


def group_events(
    events: Sequence[Event], keys: Sequence[str] | None = None, pause: Callable[[], object] = no_pause
) -> list[Group]:
    """Return one group for each fingerprint, in the order of first appearance. `keys` are the fingerprints.

    Without `keys` events go by the fingerprints that they carry, and those without by what they say.

    Members stay apart: who came and went is what there is to see, though it is the same kind of event for each.
    """
    found: dict[str, list[int]] = {}
    pairs = zip(events, keys or [event.fingerprint or _said(event) for event in events], strict=True)
    for position, (event, key) in enumerate(paced(pairs, pause)):
        found.setdefault(f"{key} {event.message}" if event.kind == EventKind.MEMBER else key, []).append(position)
    return [_group([events[position] for position in positions], positions, pause) for positions in found.values()]


def _said(event: Event) -> str:
    what = event.traceback or event.template or event.message
    return "\0".join([event.kind.value, event.origin, event.level.value, what])


def _group(events: Sequence[Event], positions: Sequence[int], pause: Callable[[], object]) -> Group:
    if len(events) == 1:
        return Group(fold_of(events[0]), events, positions)
    # A failure is not hidden by a retry of it that was only a warning.
    newest = max(paced(events, pause), key=lambda event: (event.level.number, event.time))
    times = sorted(event.time for event in paced(events, pause))
    guilds, commands, processes = Counter[str](), Counter[str](), Counter[str]()
    for event in paced(events, pause):
        if event.process:
            processes[event.process] += 1
        for counts, key in ((guilds, "guild"), (commands, "command")):
            if event.context.get(key):
                counts[str(event.context[key])] += 1
    where = (_sum({}, guilds), _sum({}, commands), _sum({}, processes))
    fold = Fold(newest, len(events), times[0], times[-1], _thin(times), *where)
    return Group(fold, events, positions)


def _thin(times: Sequence[float]) -> tuple[float, ...]:
    """Return at most `_MAX_TIMES` times that lie as all of them do."""
    if len(times) <= _MAX_TIMES:
        return tuple(times)
    return tuple(times[index * (len(times) - 1) // (_MAX_TIMES - 1)] for index in range(_MAX_TIMES))


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    total = dict(one)
    for name, count in other.items():
        key = name if name in total or len(total) < _MAX_PLACES else _OTHERS
        total[key] = total.get(key, 0) + count
    return total


def to_state(fold: Fold) -> dict[str, Any]:
    """Return a JSON-able copy for the state store."""
    rest = {name: getattr(fold, name) for name in ("count", "first", "last")}
    if fold.processes:
        rest["processes"] = fold.processes
    return {**rest, "event": encode(fold.event), "times": list(fold.times), "guilds": fold.guilds, "commands": fold.commands}


def from_state(state: Mapping[str, Any]) -> Fold:
    """Return the fold of `to_state`; raises `ValueError` when it is not one."""
    try:
        counts = [
            {str(name): int(count) for name, count in state.get(key, {}).items()} for key in ("guilds", "commands", "processes")
        ]
        times = tuple(map(float, state["times"]))
        return Fold(decode(state["event"]), int(state["count"]), float(state["first"]), float(state["last"]), times, *counts)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a stored fold: {type(error).__name__}") from None
