"""No text takes more than its share of time: hostile texts are doubled, and the time may at most double too."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from functools import partial

import pytest

from statsbot_webhooks.events.event import Event, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.name_words import AMBIGUOUS_WORDS, SECRET_WORDS
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.token_patterns import KINDS

from ..cpu_time import best_seconds, ratio

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
    # A name and what joins it to a value, in one line without an end; options and lists of them; parts of known values.
    *(
        "key=aaaaaaaaaaaaaaaaaaaaaaaa",
        "token=\\n",
        "passphrase: a b ",
        "cookie=a\\n",
        'secret="a ',
        "auth: [",
        "pin 12",
        "sig&quot;=1",
    ),
    *("Zx81-plante ", "Zx81-planted-Secret", "-p\n", "mysql -p ", "1//0", "\x1b[", "AAAA.", "ghp_a "),
)
SECRETS = ("Zx81-planted-Secret", "hunter2", "p@ss w0rd!", "opensesameplease")


PERSONS = ("123456789012345678 ", "user-1 ", "<@1", "anna ", "bob b", "guild 12345678901234567", "é", "mixture", "printable")
MIXTURES = {
    "printable": [*string.printable],
    "base64": [*string.ascii_letters, *string.digits, "+", "/"],
    "mixture": [*PIECES, " ", "\n", "=", ":", "@"],
    "logins": [
        *(
            "login anna ",
            "login with a / ",
            "creds a:b1c2d3e4 ",
            "@10.",
            "a@b.com:",
            "x1x1x1x1 as password ",
            "password\n  -> abc123",
        ),
        *(
            "'loc': ('body', 'password'), ",
            "jwt.decode(a, ",
            "set_password(a, ",
            "echo a1 > token ",
            "token has been passed:",
            "1",
            "\n",
        ),
    ],
    "names": [f"{word}{joint}" for word in (*SECRET_WORDS, *AMBIGUOUS_WORDS) for joint in ("=x1 ", ": ", ":\n  ", ' is "a')],
    "prefixes": [f"{prefix} " for kind in KINDS for prefix in kind.prefixes.split(" ")],
}


def texts(size: int, name: str) -> str:
    """Return a hostile text of about so many characters."""
    pieces = MIXTURES.get(name, [name])
    if len(pieces) == 1:
        return name * (size // len(name))
    return "".join(random.Random(1).choices(pieces, k=size // min(map(len, pieces))))[:size]


def read(redactor: Redactor, text: str) -> Callable[[], object]:
    """Return the work that an event with this text is."""
    return partial(redactor.redact, Event(EventKind.LOG, LogLevel.INFO, text, 0.0, persons=(Person(10**17, ("anna", "bob b")),)))


SIZES = (4_000, 16_000, 64_000, 256_000, 1_024_000)
# What takes less than this is not measured well enough to compare; a longer text may also be read in another way.
FLOOR = 0.004


def growth(redactor: Redactor, make: Callable[[int], str]) -> float:
    """Return how many times longer a text takes that is four times as long, at the worst: 4 is linear, 16 quadratic."""
    smaller = read(redactor, make(SIZES[0]))
    worst, before = 0.0, max(best_seconds(smaller, 3), FLOOR)
    for size in SIZES[1:]:
        larger = read(redactor, make(size))
        took = best_seconds(larger, 1)
        if took > 8 * before:
            # Other processes were in the way, or it is so: then it is so again.
            took = ratio(larger, smaller, 8, least=FLOOR) * before
        worst, before, smaller = max(worst, took / before), max(took, FLOOR), larger
    return worst


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mask"), [*((name, False) for name in (*PIECES, *MIXTURES)), *((name, True) for name in PERSONS)]
)
def test_time_is_in_proportion_to_the_text(name: str, mask: bool) -> None:
    redactor = Redactor(mask_user_ids=mask, mask_key=b"k", secrets=SECRETS, patterns=[r"order-\d+", r"(?i)kunde \w+"])
    assert growth(redactor, partial(texts, name=name)) <= 10


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_a_flood_costs_in_proportion(piece: str) -> None:
    redactor = Redactor(mask_user_ids=True, secrets=SECRETS)
    small, large = (read(redactor, piece * (size // len(piece))) for size in (8_000, 128_000))
    # Quadratic would be 256 times.
    assert ratio(large, small, 80, rounds=1) < 80
