"""How a secret may be written in a text; each returns the text, and what of it must not be seen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, quote_plus


def _base64(before: int) -> Callable[[str], str]:
    return lambda secret: base64.b64encode(b"x" * before + secret.encode()).decode()


ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": lambda secret: secret,
    "URL": lambda secret: quote(secret, safe=""),
    "URL path": quote,
    "form": quote_plus,
    "JSON": lambda secret: json.dumps({"x": secret}),
    "JSON with Unicode": lambda secret: json.dumps([secret], ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda secret: repr(secret.encode()),
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
    "base64": _base64(0),
    "base64 after one byte": _base64(1),
    "base64 after two bytes": _base64(2),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(b"user:" + secret.encode() + b"!").decode(),
}


def core(encoding: str, secret: str) -> str:
    """Return the part of the written form that is the secret's alone: base64 shares bits with its neighbours."""
    coded = ENCODINGS[encoding](secret)
    if encoding == "base64 for URLs":
        return coded[8:-4]
    return coded[4:-4] if "base64" in encoding else coded.strip("\"'{}[]b\\x: ")
