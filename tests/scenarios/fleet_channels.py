"""What the channels show of a fleet of `fleet_process`: each thing said, by message, and whether all of it arrived once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

from statsbot_webhooks.sandbox import Sandbox

from .fleet_process import KINDS


def batches(sandbox: Sandbox, name: str) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return what each message of a channel says, behind the id of its batch: what was sent twice has the same one."""
    found: list[tuple[str, list[tuple[str, int]]]] = []
    for message in sandbox.messages(name):
        text = ("".join(file.text for file in message.attachments) or message.text).replace("\\", "")
        footer = str(message.embeds[-1].get("footer", {}).get("text", "")) if message.embeds else message.content
        batch = re.search(r"#([0-9a-f]+)", footer)
        if parts := [(cluster, int(number)) for cluster, number in re.findall(r"(cluster-\d+) says number (\d+)\.", text)]:
            found.append((batch[1] if batch else str(message.id), parts))
    return found


def said(sandbox: Sandbox, name: str) -> list[tuple[str, int]]:
    """Return what a channel says, in order; a batch that is shown again counts once."""
    first: dict[str, list[tuple[str, int]]] = {}
    for batch, parts in batches(sandbox, name):
        first.setdefault(batch, parts)
    return [one for parts in first.values() for one in parts]


def repeats(sandbox: Sandbox, name: str) -> int:
    """Return how many messages of a channel show a batch again."""
    found = batches(sandbox, name)
    return len(found) - len(dict(found))


def counts(sandbox: Sandbox, name: str) -> Counter[tuple[str, int]]:
    return Counter(said(sandbox, name))


async def all_arrive(sandbox: Sandbox, want: set[tuple[str, int]], seconds: float = 60) -> None:
    """Wait until everything has arrived in every channel; nothing is in two messages of different ids."""
    try:
        async with asyncio.timeout(seconds):
            while not all(set(counts(sandbox, name)) >= want for name in KINDS):
                await asyncio.sleep(0.2)
    except TimeoutError:
        missing = {name: sorted(want - set(counts(sandbox, name)))[:10] for name in KINDS}
        raise AssertionError(f"did not arrive: {missing}") from None
    for name in KINDS:
        assert [one for one, count in counts(sandbox, name).items() if count > 1] == [], name
    assert sandbox.count_status(429) == 0
