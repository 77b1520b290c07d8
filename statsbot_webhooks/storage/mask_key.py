"""The key of the pseudonyms, which the storage keeps."""

from __future__ import annotations

from typing import Any, Final

from ..redaction.redactor import Redactor
from .base import StateStore

MASK_KEY: Final = "mask_key"


def read_mask_key(store: StateStore) -> bytes | None:
    """Return the stored key of the pseudonyms."""
    key: Any = store.read_state(MASK_KEY).get(MASK_KEY)
    try:
        return bytes.fromhex(key) or None
    except (TypeError, ValueError):
        return None


def keep_mask_key(store: StateStore, redactor: Redactor) -> None:
    """Use the stored key, or store a new one, so that a person is called the same over restarts."""
    key = read_mask_key(store)
    if key is None:
        store.write_state({MASK_KEY: redactor.mask_key.hex()})
    else:
        redactor.mask_key = key
