"""The custom ids of buttons on cards: what a button does and to what, signed for one webhook of one application. Pure.

An id is void on a message of another webhook (and so in another server) and at another bot.
It grants nothing: whether the user who pressed may do it is checked at each press (`commands/permissions.py`).
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from ..issues.buttons import Verb

PREFIX: Final = "statsbot_webhooks.card/"
# At most 23 + 2 + 40 + 1 + 22 characters; Discord allows 100.
_ID: Final = re.compile(rf"{re.escape(PREFIX)}([a-z])/([0-9A-Za-z_-]{{1,40}})/([0-9A-Za-z_-]{{22}})\Z")
_MAC_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Press:
    """What a button asks for: to do something to an issue (its fingerprint) or to a card (`card_target`)."""

    verb: Verb
    target: str


def card_target(key: str) -> str:
    """Return a short name for a card that belongs to no issue, such as an alert or a raid."""
    return f"c-{blake2b(key.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def make_id(key: bytes, press: Press, webhook_id: int, application_id: int) -> str:
    """Return the custom id of a button."""
    return f"{PREFIX}{press.verb.value}/{press.target}/{_sign(key, press.verb.value, press.target, webhook_id, application_id)}"


def read_id(keys: Iterable[bytes], custom_id: str, webhook_id: int, application_id: int) -> Press | None:
    """Return what a pressed button asks for; None when none of the keys signed the id for that webhook and application."""
    match = _ID.match(custom_id)
    if match is None:
        return None
    verb, target, signature = match.groups()
    genuine = [hmac.compare_digest(signature, _sign(key, verb, target, webhook_id, application_id)) for key in keys]
    return Press(Verb(verb), target) if any(genuine) and verb in set(Verb) else None


def _sign(key: bytes, verb: str, target: str, webhook_id: int, application_id: int) -> str:
    said = f"{verb}/{target}/{webhook_id}/{application_id}".encode()
    return base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")[:_MAC_BYTES]).rstrip(b"=").decode()
