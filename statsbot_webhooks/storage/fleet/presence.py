"""Who is in the fleet: each process keeps one key alive, and the sender notices the keys that end without a goodbye.

Ages are what is left of the life of a key, so no clock of a machine counts.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..base import Member

_EVERY_SECONDS: Final = 20.0
_LIFE_SECONDS: Final = 60


class Presence:
    """The signs of life of one process, and those of the others. Every method takes a client and may fail as that does."""

    def __init__(self, prefix: str, name: str) -> None:
        self.every_seconds = _EVERY_SECONDS
        self.name = name
        self._prefix = prefix
        self.waiting = self.others = 0
        host = socket.gethostname()
        self.label = name if name == host else f"{name} on {host}"
        self._facts: dict[str, Any] = {"host": socket.gethostname(), "pid": os.getpid()}
        self._told: dict[str, Any] = {}

    def describe(self, **facts: Any) -> None:
        """Set what the others may know."""
        self._facts |= facts

    def say(self, client: Any, instance: str) -> bool:
        """Say that this process lives, and count the others; returns whether it had to say more than before."""
        facts = {**self._facts, "name": self.name}
        text = json.dumps({**facts, "waiting": self.waiting})
        client.set(f"{self._prefix}:process:{instance}", text, ex=_LIFE_SECONDS)
        known: Sequence[str] = client.hkeys(f"{self._prefix}:processes")
        # Redis may have lost it, or a process that stood still was taken for ended.
        is_news = self._told != facts or instance not in known
        if is_news:
            # What is known of it when it ends without a word.
            client.hset(f"{self._prefix}:processes", instance, text)
            self._told = facts
        self.others = len({*known} - {instance})
        return is_news

    def leave(self, client: Any, instance: str) -> None:
        """Say goodbye."""
        self._told = {}
        with client.pipeline(transaction=True) as pipeline:
            pipeline.hdel(f"{self._prefix}:processes", instance)
            pipeline.delete(f"{self._prefix}:process:{instance}")
            pipeline.execute()

    def members(self, client: Any, sender: str) -> list[Member]:
        """Return the processes that live."""
        known: Mapping[str, str] = client.hgetall(f"{self._prefix}:processes")
        instances = sorted(known)
        with client.pipeline(transaction=False) as pipeline:
            for instance in instances:
                pipeline.get(f"{self._prefix}:process:{instance}")
                pipeline.pttl(f"{self._prefix}:process:{instance}")
            answers: list[Any] = pipeline.execute()
        found: list[Member] = []
        for instance, text, left in zip(instances, answers[::2], answers[1::2], strict=True):
            if text is not None:
                found.append(_member(text, max(_LIFE_SECONDS - int(left) / 1000, 0.0), is_sender=instance == sender))
        return sorted(found, key=lambda member: (member.name, member.host, member.pid))

    def departed(self, client: Any) -> list[Member]:
        """Return those whose sign of life has ended, and forget them: each is returned once, by one process."""
        known: Mapping[str, str] = client.hgetall(f"{self._prefix}:processes")
        instances = sorted(known)
        if not instances:
            return []
        alive: list[Any] = client.mget([f"{self._prefix}:process:{instance}" for instance in instances])
        gone = [instance for instance, text in zip(instances, alive, strict=True) if text is None]
        return [
            _member(known[instance], float(_LIFE_SECONDS), is_sender=False)
            for instance in gone
            if client.hdel(f"{self._prefix}:processes", instance)
        ]


def _member(text: str, seen: float, *, is_sender: bool) -> Member:
    try:
        facts: Any = json.loads(text)
        name, host, version, shards = (str(facts.get(key) or "") for key in ("name", "host", "version", "shards"))
        pid, waiting = (int(facts.get(key) or 0) for key in ("pid", "waiting"))
    except (ValueError, TypeError, AttributeError):
        return Member("?", "?", 0, "?", seen=seen, is_sender=is_sender)
    return Member(name, host, pid, version, shards, waiting, seen, is_sender=is_sender)
