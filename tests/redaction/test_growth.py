"""No text takes more than its share of time: hostile texts are doubled, and the time may at most double too."""

from __future__ import annotations

import random
import string
import time

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.redactor import Redactor

PIECES = (
    *("password=", "password=a ", 'token="', '"password",', "password=,,,, ", "token: str ", "--token ", "<token>", "token -> "),
    *("the password is x1 ", "eyJ", "sk-", "AKIA", "://", "://a:", "a:b@", "webhooks/1/", "basic ", "basic aaaaaaaaaaaaaaaa "),
    *("a.", "x" * 18 + ".xxxxxx.", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----\n", "4111 1111 1111 1111 ", "4111111111111112 "),
    *(
        "N-",
        ",",
        "\\",
        "\u200btoken=x ",
        "jwt ",
        "tokens in, ",
        "key=",
        "key=1 ",
        "key=12345678 ",
        "tokentoken",
        "pass\n",
        "-u a:b ",
    ),
    *("-p ", "%2525", "\\\\\\\\n", "\\u0022", "&quot;", "=20", "cookie: a=b; ", "password: |\n  a\n", "tokens: {", '{"token": ['),
    *(
        "-----",
        "'''",
        '"""',
        "123456789012345678 ",
        "user-1 ",
        "<@1",
        "パスワード",
        "é",
        " ",
        "\t\n",
        "[[[[",
        "((((",
        "|",
        "0x",
        "$",
    ),
)
SECRETS = ("Zx81-planted-Secret", "hunter2", "p@ss w0rd!", "opensesameplease")


def texts(size: int) -> dict[str, str]:
    """Return hostile texts of about so many characters."""
    rng = random.Random(1)
    found = {piece: piece * (size // len(piece)) for piece in PIECES}
    found["printable"] = "".join(rng.choices(string.printable, k=size))
    found["base64"] = "".join(rng.choices(string.ascii_letters + string.digits + "+/", k=size))
    found["mixture"] = "".join(rng.choices([*PIECES, " ", "\n", "=", ":", "@"], k=size // 6))[:size]
    return found


def seconds(redactor: Redactor, text: str) -> float:
    """Return the processor's time for an event with this text, the best of three."""
    event = Event(EventKind.LOG, LogLevel.INFO, text, 0.0, persons=(Person(10**17, ("anna", "bob b")),))
    times: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        redactor.redact(event)
        times.append(time.thread_time() - started)
    return min(times)


@pytest.mark.slow
def test_time_is_in_proportion_to_the_text() -> None:
    redactor = Redactor(mask_user_ids=True, mask_key=b"k", secrets=SECRETS, patterns=[r"order-\d+", r"(?i)kunde \w+"])
    small, large = texts(64_000), texts(1_024_000)
    slow: dict[str, float] = {}
    for name, text in small.items():
        # Sixteen times the text: quadratic would be 256 times the time.
        ratio = seconds(redactor, large[name]) / max(seconds(redactor, text), 0.002)
        if ratio > 40:
            slow[name] = ratio
    assert not slow


@pytest.mark.parametrize("piece", PIECES)
def test_a_flood_is_over_soon(piece: str) -> None:
    # 128 KB; quadratic time would take minutes. The bound is a hundred times what it takes.
    assert seconds(Redactor(mask_user_ids=True, secrets=SECRETS), piece * (128_000 // len(piece))) < 1.5
