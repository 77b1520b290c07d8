"""Button keys: the stored key for the ids of buttons, which work after a restart and in another process. It signs nothing."""

from __future__ import annotations

import secrets
from typing import Any, Final

from .base import StateStore

BUTTON_KEY: Final = "button_key"
_BYTES: Final = 32


class ButtonKeys:
    """The keys of this process: the newest one signs, and signatures of all are accepted.

    There are several when the storage was replaced for a while, by memory while its file was locked, say.
    """

    def __init__(self) -> None:
        self._keys: tuple[bytes, ...] = ()

    @property
    def current(self) -> bytes | None:
        """The key that signs; None before the storage is open."""
        return self._keys[0] if self._keys else None

    @property
    def all(self) -> tuple[bytes, ...]:
        return self._keys

    def load(self, store: StateStore) -> None:
        """Take over the stored key; store one when there is none."""
        key = _read(store)
        if key is None:
            store.write_state({BUTTON_KEY: secrets.token_bytes(_BYTES).hex()})
            # Another process may have stored its own in the same moment: both then use what is stored.
            key = _read(store)
        if key is not None:
            self._keys = (key, *(other for other in self._keys if other != key))


def _read(store: StateStore) -> bytes | None:
    key: Any = store.read_state(BUTTON_KEY).get(BUTTON_KEY)
    try:
        found = bytes.fromhex(key)
    except (TypeError, ValueError):
        return None
    # A short key could be guessed.
    return found if len(found) >= _BYTES else None
