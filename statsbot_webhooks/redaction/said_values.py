"""Said values: secrets in sentences, and passwords beside the name of a user. Pure.

`secret_extent` reads what is assigned to a name; here a sentence says it, or a user's name stands nearby.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final

from .key_names import NameKind, looks_random
from .late_patterns import late
from .placeholders import OPEN
from .secret_strings import PASSWORDS, PROSAIC, Label, Span, is_mixed, looks_secret

# The name of a login beside `pass`, which then is a password.
_LOGIN: Final = late(
    rb"(?i:\b(?:user(?:name)?|login|uid|host|server))[\"']?(?:\s?[=:]|\s\S{1,60}\s\0)|(?i:\b(?:rcon|server|wifi|wlan|admin"
    rb"|root|ftp|ssh|vpn|zip)) \0"
)
# Commands that set an environment variable without an equals sign.
_SETS: Final = late(rb"\b(?:setx|setenv|set -[gxUL]{1,3}|ENV) \Z")
_BASE64: Final = late(rb"[A-Za-z0-9+/]{4,200}={0,2}")
_SAID: Final = late(rb" (?:is|was|does|must|has|too|for|cannot|doesn't)\b")
_CHANGED: Final = late(rb" to [\"'`]?[^\s\"'`]{1,200}")
_PROSE: Final = late(
    rb"b?[\"'`](?P<quoted>[^\"'`\n]{1,200})(?:[\"'`]|(?=\n)|\Z)"
    rb"|\(?(?P<bare>(?=[^\s]{0,40}?[\d_$!#%&*+=@^~])[^\s\"'`]{4,200}?)(?=[.,;:!?)]{0,3}(?:[\s\"'`]|\\+[\"'nrt]|\Z))"
)


# A plain word, or four, said to be the password at the end of a sentence; and words of other sentences about passwords.
_SAID_PLAINLY: Final = late(rb"(?P<words>[a-z]{5,30}|[a-z]{3,16}(?:[ -][a-z]{3,16}){3,9})(?=[.!]?[ \t]*(?:\Z|[\r\n\"'<]))")
_STATUS: Final = late(
    rb"\w*(?:ed|ing|[ai]ble|[ae]nt|[ao]ry|ful|less|ous|ive|[ai]c|al|ly|en|ier|est|ect|own|ime|ate)|wrong|false|valid|invalid|short|large"
    rb"|small|right|great|secure|insecure|stronger|weaker|other|another|empty|blank|never|always|there|below|above|stolen|plain|clear"
    rb"|cleartext|plaintext|yours|theirs|reset|common|similar|simple|obsolete|stale|bogus|unsafe|unique|admin|value|field|string|password"
    rb"|username|email|built|bound|falsch|kaputt|schwach|stark|incorrecta|incorreto|corta|larga|errat[ao]|scadut[ao]|corrett[ao]|sbagliat[ao]|fraca|forte|expirada"
)
_SENTENCE: Final = late(
    rb"\b(?:\w+(?:ed|ing|ly)|about|from|with|for|the|and|not|but|too|its|his|her|our|you|your|their|this|that|are|was|were|has|have|can|could"
    rb"|may|must|will|would|should|over|under|into|than|then|when|what|where|which|who|how|why|all|any|each|every|more|most|less|least|only"
    rb"|also|just|now|today|again|back|off|out|long|same|case|sent|kept|set)\b"
)


def is_login(data: bytes, core: bytes, label: Label) -> bool:
    """Whether the value is that of `pass` beside a user's name, or of `auth` with user and password in base64."""
    name = label.name.lower().strip("-_")
    if name in ("pass", "pw"):
        around = data[max(0, label.begin - 80) : label.begin] + b"\0" + data[label.at + len(core) : label.at + len(core) + 60]
        return len(core) >= 6 and not core.isdigit() and _LOGIN.search(around) is not None
    if name not in ("auth", "basic") or len(core) % 4 or not _BASE64.fullmatch(core):
        return False
    return re.fullmatch(rb"[ -~]{1,80}:[ -~]{1,200}", b64decode(core)) is not None


def _is_said_key(value: bytes, label: Label) -> bool:
    """Whether a sentence says a password or key under an ambiguous name: "the key is …", "pass is …"."""
    text, name = value.decode("utf-8", "replace"), label.name.lower()
    if label.joint != "prose" or not (name.endswith("key") or name in ("pass", "pw")):
        return False
    return looks_random(text, 20) or (name in ("pass", "pw") and len(text) >= 8 and is_mixed(text))


def _said_plainly(data: bytes, label: Label) -> Span | None:
    """Return the extent of "swordfish" or "correct horse battery staple" in a sentence, unless it says how the password is."""
    said = _SAID_PLAINLY.match(data, label.at)
    if said is None or label.joint != "prose" or label.name.lower() not in ("password", "passphrase", "passcode"):
        return None
    is_sentence = _STATUS.fullmatch(said["words"]) or _SENTENCE.search(said["words"])
    return None if is_sentence else said.span("words")


def said_value(data: bytes, label: Label) -> Span | None:
    """Return the extent of the secret that a sentence says behind a name, None when there is none."""
    value = _PROSE.match(data, label.at)
    if value is None:
        return _said_plainly(data, label)
    quoted = value["quoted"]
    found = quoted or value["bare"]
    if label.kind is not NameKind.SECRET:
        is_said = not data.endswith((b"to ", b"from ", b"like "), 0, label.at)
        is_found = is_login(data, found, label) if label.joint == "word" else is_said and _is_said_key(found, label)
        return (label.at if quoted else value.start("bare"), value.end()) if is_found else None
    if _SETS.search(data, max(0, label.begin - 12), label.begin) and not OPEN.fullmatch(found):
        return label.at, value.end()
    is_said = quoted is not None and PASSWORDS.search(label.name) is not None
    is_said = is_said and (label.joint == "prose" or _SAID.match(data, value.end()) is not None)
    if (OPEN.fullmatch(found) or PROSAIC.fullmatch(found)) and not is_said:
        return None
    text = found.decode("utf-8", "replace")
    if label.joint == "list":
        return value.span() if looks_random(text) else None
    if data.endswith(b"from ", 0, label.at) and (changed := _CHANGED.match(data, value.end())) is not None:
        return label.at, changed.end()
    if label.joint != "prose" and not is_said and not looks_secret(text, label) and not (quoted and PASSWORDS.search(label.name)):
        return None
    return (label.at if quoted else value.start("bare")), value.end()
