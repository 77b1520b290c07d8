"""Presence of the processes of a fleet: each keeps one key alive, and the sender notices keys that expire.

Ages follow from the remaining time to live of a key, so no machine's clock matters.
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
    """The sign of life of one process, and those of the others. Methods that take a client raise what it raises."""

    def __init__(self, prefix: str, name: str) -> None:
        self.every_seconds = _EVERY_SECONDS
        self.name = name
        self._prefix = prefix
        self.waiting = self.others = 0
        host = socket.gethostname()
        self.label = name if name == host else f"{name} on {host}"
        self._facts: dict[str, Any] = {"host": host, "pid": os.getpid()}
        self._told: dict[str, Any] = {}

    def describe(self, **facts: Any) -> None:
        """Set facts that other processes see."""
        self._facts |= facts

    def say(self, client: Any, instance: str) -> bool:
        """Renew the sign of life, and count the others; returns whether other processes must be told of new facts."""
        facts = {**self._facts, "name": self.name}
        text = json.dumps({**facts, "waiting": self.waiting})
        client.set(f"{self._prefix}:process:{instance}", text, ex=_LIFE_SECONDS)
        known: Sequence[str] = client.hkeys(f"{self._prefix}:processes")
        # Missing when Redis lost its data, or when a suspended process was taken for ended.
        is_news = self._told != facts or instance not in known
        if is_news:
            # Kept for the report when it ends without saying so.
            client.hset(f"{self._prefix}:processes", instance, text)
            self._told = facts
        self.others = len({*known} - {instance})
        return is_news

    def leave(self, client: Any, instance: str) -> None:
        """Delete this process's sign of life and facts."""
        self._told = {}
        with client.pipeline(transaction=True) as pipeline:
            pipeline.hdel(f"{self._prefix}:processes", instance)
            pipeline.delete(f"{self._prefix}:process:{instance}")
            pipeline.execute()

    def members(self, client: Any, sender: str) -> list[Member]:
        """Return the living processes."""
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
        """Return and forget the processes whose sign of life has expired; each is returned once, to one process."""
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
