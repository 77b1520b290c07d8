"""Streams: the data in Redis as calls (entries, seals, dead letters, state). They raise `RedisAwayError` or `RefusedError`.

Each destination has a stream with the one group `senders`. Nothing is decided here.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ..base import Depth
from ..ready_queue import LaneName
from ..rows import read_value
from . import lua_scripts
from .keys import bucket_of, id_of, may_hold, number_of, place_of, seal_text, state_arguments
from .redis_connection import RedisLink

_log = logging.getLogger(__name__)
# How many entries are read, or ids deleted, at a time, because Redis does nothing else meanwhile.
AT_A_TIME: Final = 500
_ONE_BY_ONE: Final = 100
_MOST_LETTERS: Final = 1000
Found = tuple[str, int, Any, Any]


class Streams:
    """The data of one prefix."""

    def __init__(self, link: RedisLink, instance: str) -> None:
        self._link = link
        self._prefix, self._db = link.address.prefix, link.address.db
        self._instance = instance
        self._said: set[str] = set()

    # -- entries

    def put(self, number: int, items: Iterable[tuple[str, tuple[str, int, str]]], max_events: int, max_bytes: int) -> None:
        """Store rows as a group; one whose number was stored before is ignored. Refused as FULL when too much waits."""
        arguments: list[Any] = [self._prefix, self._db, self._instance, number, max_events, max_bytes]
        for name, (facts, size, text) in items:
            arguments += [name, facts, size, text]
        self._link.script(lua_scripts.PUT, [], arguments)

    def is_put(self, number: int) -> bool:
        """Whether a group was stored; if not, it is refused from now on."""
        return bool(self._link.script(lua_scripts.IS_PUT, [], [self._prefix, self._instance, number]))

    def read(self, lease: str) -> list[Found]:
        """Return entries that no sender has read yet: destination, number, facts, text."""
        found: list[Any] = self._link.script(lua_scripts.READ, [], [self._prefix, lease, self._instance, AT_A_TIME])
        return [each for name, rows in found for each in _found(name, rows)]

    def take_over(self, lease: str, name: str) -> list[Found]:
        """Return the entries that an earlier sender had read and not ended; they are assigned to this process."""
        entries: list[Found] = []
        start = "0-0"
        while True:
            arguments = [self._prefix, lease, self._instance, name, start, AT_A_TIME]
            start, rows = self._link.script(lua_scripts.TAKE_OVER, [], arguments)
            entries += _found(name, rows)
            if start == "0-0":
                return entries

    def destinations(self) -> list[str]:
        """Return the names of all destinations that ever had an entry."""
        return sorted(self._link.run(lambda client: client.smembers(f"{self._prefix}:destinations")))

    def lengths(self) -> dict[str, int]:
        """Return how many entries wait for each destination, in all processes together."""
        names = self.destinations()

        def work(client: Any) -> list[int]:
            with client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.xlen(f"{self._prefix}:in:{name}")
                return pipeline.execute()

        return dict(zip(names, self._link.run(work) if names else [], strict=True))

    def depths(self) -> Iterable[tuple[str, Depth]]:
        """Yield what waits for each destination, in all processes together."""
        for name in self.destinations():
            places = [place for number, facts, _ in self.scan(name) if (place := place_of(number, facts)) is not None]
            if places:
                urgent = sum(place.lane == LaneName.URGENT for place in places)
                yield name, Depth(len(places), len(places), urgent, min(place.time for place in places))

    def texts(self, name: str, numbers: Sequence[int]) -> dict[int, Any]:
        """Return the stored texts of entries; an entry that does not exist is left out."""
        stream = f"{self._prefix}:in:{name}"
        wanted = set(numbers)
        if len(numbers) <= _ONE_BY_ONE:

            def one_by_one(client: Any) -> list[Any]:
                with client.pipeline(transaction=False) as pipeline:
                    for number in numbers:
                        pipeline.xrange(stream, id_of(number), id_of(number))
                    return [row for rows in pipeline.execute() for row in rows]

            rows: list[Any] = self._link.run(one_by_one) if numbers else []
        else:
            rows, start, last = [], id_of(min(numbers)), id_of(max(numbers))
            while True:
                some = self._link.run(lambda client, start=start: client.xrange(stream, start, last, count=AT_A_TIME))
                rows += [row for row in some if number_of(row[0]) in wanted]
                if len(some) < AT_A_TIME:
                    break
                start = f"({some[-1][0]}"
        return {number_of(row[0]): row[1].get("e") for row in rows}

    def note_send(self, lease: str, name: str, batch: str = "", numbers: Sequence[int] = ()) -> None:
        """Note that a message leaves now; with `batch`, seal its entries."""
        seal = seal_text(batch, numbers) if batch else ""
        self._link.script(lua_scripts.SEND, [], [self._prefix, lease, name, seal])

    def unseal(self, lease: str, name: str) -> None:
        """End the sealed batch of a destination."""
        self._link.script(lua_scripts.UNSEAL, [], [self._prefix, lease, name])

    def seals(self) -> dict[str, str]:
        """Return the stored seals by destination."""
        return self._link.run(lambda client: client.hgetall(f"{self._prefix}:seals"))

    def ages_of_sends(self, name: str) -> list[float]:
        """Return how many seconds ago messages left, by the clock of Redis."""

        def work(client: Any) -> list[Any]:
            with client.pipeline(transaction=False) as pipeline:
                pipeline.time()
                pipeline.zrange(f"{self._prefix}:sends:{name}", 0, -1, withscores=True)
                return pipeline.execute()

        (seconds, micros), sends = self._link.run(work)
        now = int(seconds) + int(micros) / 1e6
        return [now - score / 1000 for _, score in sends]

    def ack(self, lease: str, name: str, numbers: Sequence[int], size: int, *, unseals: bool, state: Mapping[str, Any]) -> None:
        """Delete entries and write state."""
        head = [self._prefix, lease, name, size, int(unseals), len(numbers)]
        self._link.script(lua_scripts.ACK, [], [*head, *map(id_of, numbers), *state_arguments(state)])

    def bury(
        self,
        lease: str,
        name: str,
        numbers: Sequence[int],
        size: int,
        *,
        unseals: bool,
        letters: Sequence[str],
        why: str,
        now: float,
    ) -> None:
        """Turn entries into dead letters, of which at most 1,000 are kept."""
        head = [self._prefix, lease, name, size, int(unseals), len(numbers)]
        self._link.script(lua_scripts.BURY, [], [*head, *map(id_of, numbers), _MOST_LETTERS, why, now, *letters])

    def move(self, lease: str, source: str, target: str, numbers: Sequence[int], there: Sequence[int], size: int) -> int:
        """Move entries to another destination, and delete those in `there`, which have `size` bytes; returns how many moved."""
        head = [self._prefix, lease, source, target, size, len(there)]
        return int(self._link.script(lua_scripts.MOVE, [], [*head, *map(id_of, there), *map(id_of, numbers)]))

    def drop(self, name: str, sizes: Mapping[int, int]) -> int:
        """Delete entries, with their sizes, without the lease, to forget a person; returns how many existed."""
        pairs = [part for number, size in sizes.items() for part in (id_of(number), size)]
        return int(self._link.script(lua_scripts.DROP, [], [self._prefix, name, *pairs])) if pairs else 0

    def scan(self, name: str) -> Iterable[tuple[int, Any, str]]:
        """Yield number, facts and text of every entry of a destination."""
        start, stream = "-", f"{self._prefix}:in:{name}"
        while True:
            some = self._link.run(lambda client, start=start: client.xrange(stream, start, count=AT_A_TIME))
            yield from ((number_of(row[0]), row[1].get("m"), str(row[1].get("e"))) for row in some)
            if len(some) < AT_A_TIME:
                return
            start = f"({some[-1][0]}"

    def tell(self, word: str) -> None:
        """Publish a word to the other processes."""
        self._link.run(lambda client: client.publish(f"{self._prefix}:news:{self._db}", word))

    # -- dead letters

    def letters(self, limit: int, numbers: Sequence[int] | None = None) -> list[tuple[int, dict[str, str]]]:
        """Return number and fields of at most `limit` dead letters, newest first; with `numbers`, only those."""
        stream = f"{self._prefix}:dead"

        def some(client: Any) -> list[Any]:
            with client.pipeline(transaction=False) as pipeline:
                for number in numbers or ():
                    pipeline.xrange(stream, id_of(number), id_of(number))
                return [row for rows in pipeline.execute() for row in rows]

        if numbers is None:
            rows: list[Any] = self._link.run(lambda client: client.xrevrange(stream, count=limit))
        else:
            rows = sorted(self._link.run(some) if numbers else [], key=lambda row: -number_of(row[0]))[:limit]
        return [(number_of(stream_id), fields) for stream_id, fields in rows]

    def add_letter(self, name: str, reason: str, time: float, text: str) -> None:
        """Add a dead letter that does not come from an entry."""
        fields = {"d": name, "r": reason, "t": time, "e": text}
        self._link.run(lambda client: client.xadd(f"{self._prefix}:dead", fields, maxlen=_MOST_LETTERS, approximate=False))

    def expire_letters(self, before: float) -> None:
        """Delete dead letters that were buried before a time; their ids hold it, by the clock of Redis."""
        oldest = int(min(max(before * 1000, 0), 2**62))
        self._link.run(lambda client: client.xtrim(f"{self._prefix}:dead", minid=oldest, approximate=False))

    def replay(self, rows: Iterable[tuple[int, str, tuple[str, int, str]]]) -> set[int]:
        """Turn dead letters (number, destination, row of the event) into entries; returns the numbers of those that existed."""
        arguments = [part for number, name, (facts, size, _) in rows for part in (id_of(number), name, facts, size)]
        return {number_of(found) for found in self._link.script(lua_scripts.REPLAY, [], [self._prefix, self._db, *arguments])}

    def purge(self, numbers: Sequence[int]) -> int:
        """Delete dead letters; returns how many existed."""
        ids = [id_of(number) for number in numbers]
        return int(self._link.run(lambda client: client.xdel(f"{self._prefix}:dead", *ids))) if ids else 0

    # -- state

    def life(self) -> str:
        """Return the random id of this data; a Redis that lost its data gets another one."""
        key, new = f"{self._prefix}:life", uuid.uuid4().hex
        return str(self._link.run(lambda client: client.get(key) or client.set(key, new, nx=True, get=True) or new))

    def add_state(self, values: Mapping[str, Any]) -> None:
        """Set values that are missing, and tell the other processes in any case."""

        def work(client: Any) -> None:
            with client.pipeline(transaction=False) as pipeline:
                for bucket, key, text in zip(*[iter(state_arguments(values))] * 3, strict=True):
                    pipeline.sadd(f"{self._prefix}:buckets", bucket)
                    pipeline.hsetnx(f"{self._prefix}:state:{bucket}", key, text)
                pipeline.execute()

        self._link.run(work)
        # The others may not have noticed the loss of data.
        self.write_state({})

    def read_state(self, prefix: str) -> tuple[dict[str, Any], str]:
        """Return every value whose key begins with `prefix`, and the `life`; an unreadable one is left out, and logged once."""

        def work(client: Any) -> list[Any]:
            buckets = sorted(bucket for bucket in client.smembers(f"{self._prefix}:buckets") if may_hold(bucket, prefix))
            with client.pipeline(transaction=False) as pipeline:
                for bucket in buckets:
                    pipeline.hgetall(f"{self._prefix}:state:{bucket}")
                pipeline.get(f"{self._prefix}:life")
                return pipeline.execute()

        *parts, life = self._link.run(work)
        rows = {key: text for part in parts for key, text in part.items() if key.startswith(prefix)}
        values = {key: self._value(key, rows[key]) for key in sorted(rows)}
        return {key: value for key, value in values.items() if value is not None}, str(life or "")

    def _value(self, key: str, text: str) -> Any:
        try:
            return read_value(text)
        except (ValueError, RecursionError):
            if key not in self._said:
                self._said.add(key)
                _log.error("the stored value of %s cannot be read and is left out", key.partition("/")[0])
            return None

    def write_state(self, values: Mapping[str, Any]) -> None:
        """Set values that every process may set, and tell the other processes."""
        arguments = [self._prefix, self._db, self._instance, *state_arguments(values)]
        self._link.script(lua_scripts.WRITE_STATE, [], arguments)

    def write_sender_state(self, lease: str, values: Mapping[str, Any]) -> None:
        """Set values that only the sender may set."""
        self._link.script(lua_scripts.WRITE_SENDER_STATE, [], [self._prefix, lease, *state_arguments(values)])

    def update_state(self, changes: Mapping[str, Callable[[Any], Any]], *, is_news: bool) -> dict[str, Any]:
        """Replace values by the results of functions; starts again when another process changes them meanwhile."""
        hashes = {key: f"{self._prefix}:state:{bucket_of(key)}" for key in changes}

        def work(client: Any) -> dict[str, Any]:
            values: dict[str, Any] = {}

            def change(pipeline: Any) -> None:
                values.clear()
                for key, function in changes.items():
                    text = pipeline.hget(hashes[key], key)
                    values[key] = function(None if text is None else self._value(key, text))
                pipeline.multi()
                for key, value in values.items():
                    if value is None:
                        pipeline.hdel(hashes[key], key)
                    else:
                        pipeline.sadd(f"{self._prefix}:buckets", bucket_of(key))
                        pipeline.hset(hashes[key], key, json.dumps(value, default=str))
                # The publish below tells the others; the count, in the next beat, tells those that missed it.
                pipeline.hincrby(f"{self._prefix}:sums", "changes", int(is_news))

            changed = client.transaction(change, *set(hashes.values()))[-1]
            if is_news:
                client.publish(f"{self._prefix}:news:{self._db}", f"state {self._instance} {changed}")
            return values

        return self._link.run(work)


def _found(name: str, rows: Sequence[Any]) -> list[Found]:
    """Return the entries of a script's answer, in which fields and values alternate. Deleted entries are skipped."""
    found: list[Found] = []
    for stream_id, values in rows:
        if values:
            fields = dict(zip(values[::2], values[1::2], strict=False))
            found.append((name, number_of(stream_id), fields.get("m"), fields.get("e")))
    return found
