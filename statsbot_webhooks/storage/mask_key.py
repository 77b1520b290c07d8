"""Mask key: the stored key of the pseudonyms, so that a person has the same one after a restart. It masks nothing."""

from __future__ import annotations

from typing import Any, Final

from ..redaction.redactor import Redactor
from .base import StateStore

MASK_KEY: Final = "mask_key"


def read_mask_key(store: StateStore) -> bytes | None:
    """Return the stored key of the pseudonyms; None without a readable one."""
    return _parse(store.read_state(MASK_KEY).get(MASK_KEY))


def _parse(key: Any) -> bytes | None:
    try:
        return bytes.fromhex(key) or None
    except (TypeError, ValueError):
        return None


def keep_mask_key(store: StateStore, redactor: Redactor) -> None:
    """Give the redactor the stored key, or store the redactor's own when there is none."""
    if read_mask_key(store) is None:
        # In one step, so that processes that start together get the same key.
        store.update_state({MASK_KEY: lambda stored: stored if _parse(stored) else redactor.mask_key.hex()})
    redactor.mask_key = read_mask_key(store) or redactor.mask_key
