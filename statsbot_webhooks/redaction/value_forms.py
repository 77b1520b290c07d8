"""Value forms: the ways in which a known value may be written in a text, in all common encodings. Pure.

A form is a spelling in lower case without the ASCII characters that are neither letters nor digits. So one form stands for many
spellings: wrapped lines, other case, backslashes, separators between bytes, base64 for URLs.
"""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import quote, quote_plus

_DROPPED: Final = bytes(code for code in range(128) if not chr(code).isalnum())
_LOWER: Final = bytes(code + 32 if 65 <= code <= 90 else code for code in range(256))

# Like `html.escape`, whose module takes a third of a megabyte for the names of HTML.
_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HTML_QUOTES: Final = _HTML | str.maketrans({'"': "&quot;", "'": "&#x27;"})

# Imported now: a process that is forked while a thread imports them at their first use would wait for its lock forever.
for _codec in ("utf-16-le", "utf-16-be"):
    codecs.lookup(_codec)


def bones(data: bytes) -> bytes:
    """Return the letters and digits of a text in lower case, and every byte beyond ASCII."""
    return data.translate(_LOWER, _DROPPED)


def escape_html(text: str, *, quotes: bool = True) -> str:
    """Return a text escaped for HTML."""
    return text.translate(_HTML_QUOTES if quotes else _HTML)


def spellings(value: str) -> set[bytes]:
    """Return the spellings of a value: as it is, and escaped for JSON, Python, HTML and URLs."""
    raw = value.encode("utf-8", "surrogatepass")
    dumped, spelled = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    forms = {value, dumped, spelled, json.dumps(dumped)[1:-1], dumped.replace("/", r"\/"), repr(value)[1:-1], ascii(value)[1:-1]}
    forms |= {repr(raw)[2:-1], escape_html(value), escape_html(value, quotes=False)}
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="/:@!$&'()*+,;=~")):
        forms |= {quoted, quote(quoted, safe="")}
    forms |= {"".join(char if char.isalnum() else f"&#{ord(char)};" for char in value)}
    forms |= {"".join(char if char.isalnum() else f"&#x{ord(char):x};" for char in value)}
    return {form.encode("utf-8", "surrogatepass") for form in forms}


def forms(value: str) -> set[bytes]:
    """Return the `bones` of a value in all encodings."""
    found = {bones(spelling) for spelling in spellings(value)}
    if not value.isascii():
        # Systems compose the letters of file names or decompose them.
        found |= {bones(normalize(form, value).encode("utf-8", "surrogatepass")) for form in ("NFC", "NFD")}
    texts = (
        value.encode("utf-8", "surrogatepass"),
        value.encode("utf-16-le", "surrogatepass"),
        value.encode("utf-16-be", "surrogatepass"),
    )
    for raw in texts:
        found |= set(_in_base64(raw))
        found |= {
            raw.hex().encode(),
            "".join(f"x{byte:02x}" for byte in raw).encode(),
            "".join(f"0x{byte:02x}" for byte in raw).encode(),
        }
        found |= {"".join(map(str, raw)).encode(), "".join(f"{byte:03o}" for byte in raw).encode()}
    # Each character escaped, and UTF-16 text in which every other byte is written as an escape.
    found |= {"".join(f"u{ord(char):04x}" for char in value).encode(), "".join(f"u{ord(char):x}" for char in value).encode()}
    found |= {"".join(f"u{ord(char):08x}" for char in value).encode(), "".join(str(ord(char)) for char in value).encode()}
    found |= {bones("".join(f"{char}x00" for char in value).encode("utf-8", "surrogatepass"))}
    return {form for form in found if len(form) >= 6}


def _in_base64(raw: bytes) -> Iterator[bytes]:
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        # The first and the last character hold bits of neighbouring bytes; those between depend on the secret alone.
        inner = coded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        yield bones(inner)
        yield bones(inner.replace(b"+", b"2B").replace(b"/", b"2F"))
