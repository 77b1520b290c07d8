"""The key of the pseudonyms, which the storage keeps."""

from __future__ import annotations

from typing import Any, Final

from ..redaction.redactor import Redactor
from .base import StateStore

MASK_KEY: Final = "mask_key"


def read_mask_key(store: StateStore) -> bytes | None:
    """Return the stored key of the pseudonyms."""
    return _parse(store.read_state(MASK_KEY).get(MASK_KEY))


def _parse(key: Any) -> bytes | None:
    try:
        return bytes.fromhex(key) or None
    except (TypeError, ValueError):
        return None


def keep_mask_key(store: StateStore, redactor: Redactor) -> None:
    """Use the stored key, or store a new one, so that a person is called the same over restarts."""
    if read_mask_key(store) is None:
        # Processes that start together are to have one key.
        store.update_state({MASK_KEY: lambda stored: stored if _parse(stored) else redactor.mask_key.hex()})
    redactor.mask_key = read_mask_key(store) or redactor.mask_key
