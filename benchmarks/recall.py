"""How many secrets the redactor finds, and what harmless text it touches: kinds of keys in surroundings, and corpora.

    python -m benchmarks.recall                     the tables
    python -m benchmarks.recall --compare FILE      which rules of a gitleaks.toml no kind of ours stands for
    python -m benchmarks.recall --logs FILE...      lines of real logs that are touched

Keys are made up from the published shapes, which are written down here apart from the package's own patterns.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import json
import random
import re
import string
import sys
import textwrap
import tomllib
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from benchmarks.published_keys import NAMED_KINDS, NAMES, PREFIX_KINDS, make
from statsbot_webhooks.redaction.redactor import Redactor

# Kinds that some surrounding hides from us, and why that is let be. At most twelve.
EXCEPTIONS: Final[dict[str, str]] = {}
# Rules for what stands around a secret; the table of names has them.
BY_CONTEXT: Final = frozenset(
    ("curl-auth-header", "curl-auth-user", "kubernetes-secret-yaml", "nuget-config-password", "sidekiq-sensitive-url")
)
SURROUNDINGS: Final[dict[str, Callable[[str], str]]] = {
    "bare": lambda key: key,
    "sentence": lambda key: f"upstream rejected {key} just now",
    "JSON": lambda key: json.dumps({"out": key}),
    "JSON in JSON": lambda key: json.dumps(json.dumps({"out": key})),
    "JSON, new line": lambda key: json.dumps({"out": "line\n" + key + "\nline"}),
    "JSON, tab, twice": lambda key: json.dumps(json.dumps({"out": "line\t" + key})),
    "JSON, non-ASCII before": lambda key: json.dumps({"out": "é" + key}),
    "repr": lambda key: repr(["out", key]),
    "repr, new line": lambda key: repr("out\n" + key + "\n"),
    "repr of bytes": lambda key: repr(b"x\r\n" + key.encode()),
    "repr, control": lambda key: repr("\x00" + key),
    "URL": lambda key: f"https://x.org/?q={quote(key, safe=':/')}&page=2",
    "URL, %20": lambda key: f"https://x.org/?q=a%20{key}%20b",
    "URL, %0A": lambda key: f"q=a%0A{key}%0A",
    "URL, twice": lambda key: f"q=a%2520{key}",
    "URL, %3D": lambda key: f"?k%3D{key}%26x",
    "HTML": lambda key: f"<td>{html.escape(key)}</td>",
    "HTML entity": lambda key: f"&quot;{key}&quot; &#34;{key}&#34; &nbsp;{key}",
    "ANSI": lambda key: f"\x1b[32m{key}\x1b[0m",
    "ANSI, escaped": lambda key: f"\\x1b[1;32m{key}\\x1b[0m \\u001b[0m{key} \\033[31m{key}",
    "quoted-printable": lambda key: f"a=20{key}=0A",
    "zero-width": lambda key: f"word\u200b{key}\u2060word",
    "\\u0022": lambda key: f"\\u0022{key}\\u0022",
    "\\x20": lambda key: f"a\\x20{key}",
    "octal": lambda key: f"a\\040{key}",
    "backslashes": lambda key: f"a\\\\\\\\n{key}\\\\\\\\n",
    "Markdown": lambda key: f"`{key}` **{key}** [x]({key})",
    "quotes": lambda key: f"„{key}“ «{key}» '{key}'",
    "header": lambda key: f"GET / HTTP/1.1\r\nX-Thing: {key}\r\nHost: x.org",
    "YAML": lambda key: f"things:\n  - {key}\n  - other\n",
    "command line": lambda key: f"$ tool run {key} --verbose",
    "CSV": lambda key: f"1,{key},anna",
    "name_": lambda key: f"mine_{key}",
    "comma": lambda key: f"a,{key};b",
}
NAMED: Final[dict[str, Callable[[str, str], str]]] = {
    "k=v": lambda name, key: f"{name}={key}",
    "k: v": lambda name, key: f"{name}: {key}",
    "k = 'v'": lambda name, key: f"{name} = '{key}'",
    "JSON": lambda name, key: json.dumps({name: key, "page": 2}),
    "JSON in JSON": lambda name, key: json.dumps(json.dumps({name: key})),
    "repr": lambda name, key: repr({name: key}),
    "TOML": lambda name, key: f'[service]\n{name} = "{key}"\n',
    "INI": lambda name, key: f"[service]\n{name} = {key}\nuser = bob\n",
    "YAML": lambda name, key: f"service:\n  {name}: {key}\n  user: bob\n",
    "YAML list": lambda name, key: f"{name}:\n  - {key}\n",
    "YAML block": lambda name, key: f"{name}: |\n  {key}\nuser: bob\n",
    "header": lambda name, key: f"Host: x\r\nX-{name}: {key}\r\n\r\n",
    "query": lambda name, key: f"https://x.org/a?page=2&{name}={quote(key)}&x=1",
    "query, escaped": lambda name, key: quote(f"https://x.org/a?{name}={key}&x=1", safe=""),
    "command line": lambda name, key: f"tool --{name} {key} --verbose",
    "command line, =": lambda name, key: f"tool --{name}={key} --verbose",
    "arguments": lambda name, key: repr(["tool", f"--{name}", key]),
    "XML": lambda name, key: f"<{name}>{key}</{name}>",
    "HTML": lambda name, key: html.escape(json.dumps({name: key})),
    "pairs": lambda name, key: repr([(name, key), ("a", "b")]),
    "env": lambda name, key: f"environ({{'{name}': '{key}', 'HOME': '/root'}})",
    "source": lambda name, key: f'    client.login({name}="{key}")',
    "parts": lambda name, key: f'{name} = "{key[: len(key) // 2]}" "{key[len(key) // 2 :]}"',
    "sentence": lambda name, key: f"the {name} is {key}.",
}


def leaks(secret: str, text: str) -> bool:
    """Whether a text shows a part of a secret; a third of its beginning says nothing."""
    size = max(5, min(12, len(secret) // 2))
    return any(secret[at : at + size] in text for at in range(len(secret) // 3, len(secret) - size + 1))


def recall_table(rounds: int, seed: int = 1) -> dict[str, dict[str, float]]:
    """Return for each kind and surrounding which share of made-up keys is found."""
    redact, rng = Redactor().redact_text, random.Random(seed)
    found: dict[str, dict[str, float]] = {}
    for kind, shape in PREFIX_KINDS.items():
        row = found[kind] = {}
        for name, surround in SURROUNDINGS.items():
            keys = [make(shape, rng) for _ in range(rounds)]
            row[name] = sum(not leaks(secret, redact(surround(key))) for key, secret in keys) / rounds
    return found


def named_table(rounds: int, seed: int = 2) -> dict[str, float]:
    """Return for each way to name a secret which share of made-up ones is found."""
    redact, rng = Redactor().redact_text, random.Random(seed)
    found: dict[str, float] = {}
    for way, surround in NAMED.items():
        hits = total = 0
        for kind, shape in NAMED_KINDS.items():
            for _ in range(rounds):
                key, secret = make(shape, rng)
                name = rng.choice(NAMES).format(re.sub(r"\W", "_", kind))
                total += 1
                hits += not leaks(secret, redact(surround(name, key)))
        found[way] = hits / total
    return found


def harmless_lines(seed: int = 3, rounds: int = 4000) -> Iterator[str]:
    """Yield lines of texts that hold no secret: made up, and tracebacks of the libraries that bots run on."""
    rng = random.Random(seed)
    words = [
        "guild",
        "member",
        "joined",
        "the",
        "queue",
        "holds",
        "songs",
        "voices",
        "shard",
        "command",
        "took",
        "latency",
        "cache",
        "hit",
        "miss",
        "retry",
        "attempt",
        "loaded",
    ]

    def digits(count: int) -> str:
        return "".join(rng.choices(string.digits, k=count))

    def digest(kind: str) -> str:
        return hashlib.new(kind, rng.randbytes(8), usedforsecurity=False).hexdigest()

    def snowflake() -> int:
        return rng.randrange(10**17, 10**18)

    for _ in range(rounds):
        yield f"request {uuid.UUID(int=rng.getrandbits(128), version=4)} took {rng.random() * 500:.1f} ms"
        yield f"commit {digest('sha1')} by anna"
        yield f'layer sha256:{digest("sha256")} pulled, etag "{digest("md5")}"'
        yield f"user {snowflake()} in <#{snowflake()}> of guild {snowflake()}"
        yield f"metric loop_lag={rng.random() * 1e15:.3f} rss={digits(16)} bytes, account {digits(16)} order {digits(15)}"
        yield f"{' '.join(rng.choices(words, k=9))} key={rng.choice(words)}:{rng.randrange(9999)} tokens={rng.randrange(99)} auth=ok"
        yield f"2026-11-24 10:{rng.randrange(60):02}:00,{digits(3)} INFO discord.gateway: Shard ID {rng.randrange(9)} has connected"
        yield f"https://cdn.discordapp.com/avatars/{snowflake()}/{digest('md5')}.png?size=1024"
        yield f"cache {rng.choice(words)} session:{snowflake()} hash {rng.getrandbits(64):016x} v{rng.randrange(9)}.{rng.randrange(99)}"
        yield f"float {rng.random()} {rng.random() * 1e9} at 0x{rng.getrandbits(48):012x} ip 10.{rng.randrange(255)}.0.7:{digits(4)}"
    for _ in range(rounds // 20):
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + rng.randbytes(900)).decode()
        yield f'<img src="data:image/png;base64,{picture}">'
        yield from textwrap.wrap(picture, 76)
    yield from library_lines()


def library_lines() -> Iterator[str]:
    """Yield source and traceback lines of discord.py and aiohttp, as a log shows them."""
    import aiohttp
    import discord

    for module in (discord, aiohttp):
        for path in sorted(Path(module.__file__ or "").parent.glob("*.py")):
            lines = path.read_text("utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                if line.strip() and not line.lstrip().startswith(("#", '"""')):
                    yield f'  File "{path.name}", line {number}, in run\n    {line.strip()}'
    for error in (
        KeyError("password"),
        TypeError("login() missing 1 required positional argument: 'token'"),
        ValueError("invalid token"),
    ):
        try:
            raise error
        except Exception as caught:  # noqa: BLE001 - any of them, as a log shows it
            yield "".join(traceback.format_exception(caught))


def touched(lines: Iterator[str] | list[str]) -> tuple[int, list[tuple[str, str]]]:
    """Return how many lines there were, and those that the redactor changed."""
    redact, count, found = Redactor().redact_text, 0, list[tuple[str, str]]()
    for line in lines:
        count += 1
        if (clean := redact(line)) != line:
            found.append((line, clean))
    return count, found


def compare(path: Path) -> list[str]:
    """Return the rules of a gitleaks.toml that have a shape of their own and that no kind here has the name of."""
    known = {kind.split(" (")[0] for kind in PREFIX_KINDS} | BY_CONTEXT
    rules = tomllib.loads(path.read_text("utf-8"))["rules"]
    return [rule["id"] for rule in rules if "regex" in rule and rule["id"] not in known and r"[\w.-]{0,50}?" not in rule["regex"]]


def main(arguments: list[str]) -> int:
    """Print what is asked for. Returns 1 when a figure that is promised does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", type=Path, metavar="FILE")
    parser.add_argument("--logs", type=Path, nargs="+", metavar="FILE", default=[])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(arguments)
    if options.compare:
        print("\n".join(compare(options.compare)))
        return 0
    if options.logs:
        lines = (line for path in options.logs for line in path.read_text("utf-8", "replace").splitlines())
        count, found = touched(lines)
        for line, clean in found:
            print(f"{line[:200]}\n    {clean[:200]}")
        print(f"{len(found)} of {count} lines touched, {100 * len(found) / max(count, 1):.4f} %")
        return 0
    return _tables(options.rounds)


def _tables(rounds: int) -> int:
    table = recall_table(rounds)
    weak = {kind: row for kind, row in table.items() if min(row.values()) < 0.95}
    print(f"recall of {len(table)} kinds, by surrounding:")
    for name in SURROUNDINGS:
        print(f"  {name:<26}{sum(row[name] for row in table.values()) / len(table):8.4f}")
    print(f"kinds below 0.95 in some surrounding: {len(weak)}")
    for kind, row in weak.items():
        worst = ", ".join(f"{name} {share:.2f}" for name, share in row.items() if share < 0.95)
        print(f"  {kind}: {worst}\n      {EXCEPTIONS.get(kind, 'NOT EXPECTED')}")
    named = named_table(rounds)
    print("recall under a name:")
    for way, share in named.items():
        print(f"  {way:<26}{share:8.4f}")
    count, found = touched(harmless_lines())
    print(f"harmless lines touched: {len(found)} of {count}, {100 * len(found) / count:.4f} %")
    for line, clean in found[:40]:
        print(f"  {line[:150]!r}\n      {clean[:150]!r}")
    holds = (
        set(weak) <= set(EXCEPTIONS) and len(EXCEPTIONS) <= 12 and min(named.values()) >= 0.97 and len(found) / count <= 0.0003
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
