"""What the redaction gate costs: a line, an event, and a megabyte of text that wants to slow it down."""

from __future__ import annotations

import base64
import json
import random
import statistics
import string
import time
from collections.abc import Callable
from pathlib import Path

from statsbot_webhooks.events.event import Event, EventKind, LogLevel, Person
from statsbot_webhooks.formatting.markdown import escape_markdown
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.unicode_text import visible

LINE = "guild 482915 command /play took 311 ms in #music for shard 3, the queue holds 17 songs and 4 voices, all of it ok so far"
SECRETS = 25
MEGABYTE = 1_000_000


def microseconds(call: Callable[[], object], times: int = 2000, rounds: int = 11) -> float:
    """Return the median cost of a call, in processor time: the waiting for other processes does not count."""
    found: list[float] = []
    for _ in range(rounds):
        started = time.thread_time()
        for _ in range(times):
            call()
        found.append((time.thread_time() - started) / times * 1e6)
    return statistics.median(found)


def milliseconds(call: Callable[[str], object], text: str) -> float:
    """Return the median cost of one long call."""
    return microseconds(lambda: call(text), times=1, rounds=3) / 1000


# The worst that was found for each rule; a megabyte of each is read.
PIECES = (
    *("password=", "password=a ", 'token="', '"password",', "password=,,,, ", "token: str ", "--token ", "<token>"),
    *("the password is x1 ", "eyJ", "sk-", "AKIA", "://", "://a:", "a:b@", "webhooks/1/", "basic "),
    *("basic aaaaaaaaaaaaaaaa ", "a.", "x" * 18 + ".xxxxxx.", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----\n"),
    *("4111 1111 1111 1111 ", "4111111111111112 ", "N-", ",", "\\", "\u200btoken=x "),
    *("login anna ", "creds a:b1c2d3e4 ", "@10.", "password\n  -> abc123", "'loc': ('body', 'password'), ", "jwt.decode(a, "),
)


def hostile(rng: random.Random) -> dict[str, str]:
    """Return texts of a megabyte each."""
    texts = {piece: piece * (MEGABYTE // len(piece.encode())) for piece in PIECES}
    letters = string.ascii_letters + string.digits
    texts["random base64 with dots"] = "".join(rng.choices(letters + "-_....", k=MEGABYTE))
    texts["random printable"] = "".join(rng.choices(string.printable, k=MEGABYTE))
    texts["random mixture of these"] = "".join(rng.choices([*PIECES, " ", "\n", "=", ":", "@"], k=MEGABYTE // 8))[:MEGABYTE]
    return texts


def usual(rng: random.Random) -> dict[str, str]:
    """Return texts of about a megabyte each as bots write them: source code, words, a log, JSON, and base64."""
    sources = [path.read_text(errors="replace") for path in sorted(Path(random.__file__).parent.glob("*.py"))]
    code = "\n".join(sources)[:MEGABYTE]
    words = [word for word in code.split() if word.isalpha()]
    shards = [
        f"12:{n % 60:02d}:{n % 59:02d} [INFO] shard {n % 16}: guild {rng.randrange(10**18)} " for n in range(MEGABYTE // 100)
    ]
    rows = [json.dumps({"id": rng.randrange(10**18), "tags": rng.choices(words, k=4), "score": rng.random()}) for _ in shards]
    return {
        "source code": code,
        "words": " ".join(rng.choices(words, k=MEGABYTE // 6)),
        "a log": "\n".join(f"{line}{' '.join(rng.choices(words, k=3))} took {rng.random():.3f} ms status=200" for line in shards),
        "JSON": "\n".join(rows),
        "base64": base64.encodebytes(rng.randbytes(MEGABYTE * 3 // 4)).decode(),
    }


def main() -> None:
    rng = random.Random(1)
    alphabet = string.ascii_letters + string.digits + "+/=&"
    secrets = ["".join(rng.choices(alphabet, k=rng.randrange(12, 60))) for _ in range(SECRETS)]
    redactor, masking = Redactor(secrets=secrets), Redactor(secrets=secrets, mask_user_ids=True)
    own = Redactor(secrets=secrets, mask_user_ids=True, patterns=[r"cust-\d{4,8}"])
    made = microseconds(lambda: Redactor(secrets=secrets), times=1, rounds=5) / 1000
    event = Event(EventKind.LOG, LogLevel.INFO, LINE, 0.0, "shop.orders", template="guild %d command %s took %s")
    details = Event(EventKind.LOG, LogLevel.INFO, LINE, 0.0, "shop", {"guild": "x", "user": "anna", "count": 5}, template="a %s")
    planted = LINE[:60] + " password=hunter2 " + LINE[:42]
    print(f"making a redactor of {SECRETS} secrets         {made:8.1f} ms")
    print(f"a line of {len(LINE)} characters, no secrets    {microseconds(lambda: redactor.redact_text(LINE)):8.1f} us")
    print(f"the same, one secret                    {microseconds(lambda: redactor.redact_text(planted)):8.1f} us")
    print(f"an event with that line                 {microseconds(lambda: redactor.redact(event)):8.1f} us")
    print(f"  with three details                    {microseconds(lambda: redactor.redact(details)):8.1f} us")
    print(f"  and masked                            {microseconds(lambda: masking.redact(details)):8.1f} us")
    print(f"laid out for Discord: escape_markdown   {microseconds(lambda: escape_markdown(LINE)):8.1f} us")
    print("a megabyte of hostile text, the five slowest:")
    found = {name: milliseconds(redactor.redact_text, text) for name, text in hostile(rng).items()}
    for name, took in sorted(found.items(), key=lambda item: -item[1])[:5]:
        print(f"  {name[:30]!r:<34}    {took:8.1f} ms")
    print("a megabyte of usual text, and with masking and a pattern of the user's:")
    for name, text in usual(rng).items():
        event = Event(EventKind.LOG, LogLevel.INFO, text, 0.0, persons=(Person(123456789012345678, ("anna",)),))
        both = (milliseconds(redactor.redact_text, text), milliseconds(lambda _, event=event: own.redact(event), text))
        print(f"  {name:<34}    {both[0]:8.1f} ms {both[1]:8.1f} ms")
    calm, towers = LINE * (MEGABYTE // len(LINE)), ("a\u202e" + "\u0301" * 9) * (MEGABYTE // 22)
    print(f"a megabyte of calm text                 {milliseconds(redactor.redact_text, calm):8.1f} ms")
    print(f"a megabyte of bidi and towers, laid out {milliseconds(visible, towers):8.1f} ms")


if __name__ == "__main__":
    main()
