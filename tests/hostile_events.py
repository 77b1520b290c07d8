"""Events full of text that wants to break out, deceive or break down; the same seed gives the same texts."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any, Final

from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person

PIECES: Final = (
    *("@everyone", "@here", "<@1>", "<@&2>", "<#3>", "<t:0:R>", "</ban:4>", "<:a:5>", "<id:customize>"),
    *("```", "``", "`", "```ansi\n", "**", "__", "~~", "||", "> ", ">>> ", "# ", "-# ", "- ", "\\", "_", "*", "1. "),
    *(
        "[Discord](https://evil.example)",
        "https://discord.com@evil.example/",
        "https://dіscord.com",
        "<https://x.org>",
        "](",
        "](",
    ),
    *("\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u3164", "\u2028", "\u2029", "\x85"),
    *("\x00", "\x1b[31m", "\x07", "\r", "\n", "\t", "\x7f", "\x9b", "\ud800", "\udfff", "\ufffe", "\uffff"),
    *(
        "Z" + "\u0353\u033a\u0311" * 20,
        "e\u0301",
        "ก" + "\u0e47" * 9,
        "שלום",
        "العربية",
        "日本語",
        "👩‍👩‍👧",
        "🏴\U000e0067\U000e007f",
        "𝕳",
    ),
    *("discord", "clyde", "password=hunter2", "token: ", "eyJ", "-----BEGIN PRIVATE KEY-----", "://u:p@h", "%s %d", "{}", "$x"),
    *(
        " ",
        "   ",
        "word",
        "a.b",
        "x" * 300,
        "../../etc/passwd",
        "SPOILER_x.png",
        "null",
        "NaN",
        "'",
        '"',
        "<script>",
        "&amp;",
        "\\u202e",
    ),
)


def text(rng: random.Random, most: int = 12) -> str:
    """Return a text of up to so many pieces; one in 200 is very long."""
    pieces = rng.choices(PIECES, k=rng.randrange(most))
    return "".join(pieces) * (rng.randrange(100, 1000) if rng.random() < 0.005 and most > 4 else 1)


def value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind < 3:
        return text(rng)
    if kind < 5:
        return rng.choice((None, True, -1, 0.5, 10**20, 4111111111111111, "", " "))
    if kind == 5:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {text(rng, 4): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def event(rng: random.Random, number: int, start: float) -> Event:
    """Return an event, of any kind, with hostile text in any of its places."""
    chance = rng.random
    context = {text(rng, 4): value(rng) for _ in range(rng.randrange(5))} if chance() < 0.5 else {}
    if chance() < 0.01:
        context |= {f"{index} {text(rng, 3)}": value(rng) for index in range(60)}
    user = text(rng, 4)
    return Event(
        rng.choice(list(EventKind)),
        rng.choice((LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR, LogLevel.CRITICAL)),
        f"{user if chance() < 0.3 else ''}{text(rng)}",
        start + number / 1000,
        rng.choice(("shop", "join", "ban", text(rng, 4))),
        context,
        f'Traceback\n  File "{text(rng, 3)}", line 1\nValueError: {text(rng)}' if chance() < 0.15 else None,
        rng.choice((None, 10**17)),
        (Person(10**17 + number, (user, text(rng, 3))),) if chance() < 0.3 else (),
        rng.choice(("", "%s", text(rng, 3))),
        text(rng, 4) if chance() < 0.2 else "",
        f"card {rng.randrange(5)} {text(rng, 3)}" if chance() < 0.002 else "",
        rng.choice((None, 0, -1, 0xFFFFFF, 2**40)) if chance() < 0.1 else None,
        rng.choice(("javascript:x", "https://", f"https://x.org/{text(rng, 3)}", "https://x.org/a.png"))
        if chance() < 0.1
        else "",
        files=(EventFile(text(rng, 4), text(rng), b"\x89PNG\xff" if chance() < 0.2 else b""),) if chance() < 0.02 else (),
    )


def events(seed: int, count: int) -> Iterator[Event]:
    """Return so many events."""
    rng, start = random.Random(seed), time.time()
    for number in range(count):
        yield event(rng, number, start)
