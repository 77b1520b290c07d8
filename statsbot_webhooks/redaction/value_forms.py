"""How a known value may be written in a text: in every encoding that people meet. Pure.

A form is what remains of a spelling when ASCII other than letters and digits is left out and letters are lowered. So one form
stands for many spellings: wrapped lines, other case, backslashes, separators between bytes, base64 for addresses.
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

# As `html.escape` does it, whose module holds all names of HTML: a third of a megabyte.
_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HTML_QUOTES: Final = _HTML | str.maketrans({'"': "&quot;", "'": "&#x27;"})

# Imported now: a process that is forked while a thread imports them at their first use waits for that thread's lock for ever.
for _codec in ("utf-16-le", "utf-16-be"):
    codecs.lookup(_codec)


def bones(data: bytes) -> bytes:
    """Return the letters and digits of a text, in lower case, and all that is not ASCII."""
    return data.translate(_LOWER, _DROPPED)


def escape_html(text: str, *, quotes: bool = True) -> str:
    """Return a text as it stands in HTML."""
    return text.translate(_HTML_QUOTES if quotes else _HTML)


def spellings(value: str) -> set[bytes]:
    """Return how writers put a value: as it is, escaped for JSON, Python, HTML and addresses."""
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
    """Return the bones of a value in all encodings."""
    found = {bones(spelling) for spelling in spellings(value)}
    if not value.isascii():
        # Names of files are composed or not, by the system.
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
    # Each character escaped, and text of 16 bits in which every other byte is written as an escape.
    found |= {"".join(f"u{ord(char):04x}" for char in value).encode(), "".join(f"u{ord(char):x}" for char in value).encode()}
    found |= {"".join(f"u{ord(char):08x}" for char in value).encode(), "".join(str(ord(char)) for char in value).encode()}
    found |= {bones("".join(f"{char}x00" for char in value).encode("utf-8", "surrogatepass"))}
    return {form for form in found if len(form) >= 6}


def _in_base64(raw: bytes) -> Iterator[bytes]:
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        # The first and the last character hold bits of the neighbours; what is between is the secret's alone.
        inner = coded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        yield bones(inner)
        yield bones(inner.replace(b"+", b"2B").replace(b"/", b"2F"))
