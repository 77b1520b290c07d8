"""What the redactor needs of the outside: the environment's secrets, and the key of the pseudonyms, which the storage keeps."""

from __future__ import annotations

from typing import Final

from .config import WebhookConfig, read_values
from .redact import Redactor
from .redact_values import secret_values
from .storage import StateStore

MASK_KEY: Final = "mask_key"


def make_redactor(config: WebhookConfig) -> Redactor:
    """Return the redactor of a configuration; it knows the secrets of the environment, of `.env` and of the webhooks."""
    return Redactor(
        mask_user_ids=config.mask_user_ids,
        mask_level=config.mask_level,
        include_stack_traces=config.include_stack_traces,
        secrets=secret_values(read_values()).union(destination.url.token for destination in config.destinations),
        patterns=config.redact_patterns,
    )


def read_mask_key(store: StateStore) -> bytes | None:
    """Return the stored key of the pseudonyms."""
    key = store.read_state(MASK_KEY).get(MASK_KEY)
    return bytes.fromhex(key) if isinstance(key, str) else None


def keep_mask_key(store: StateStore, redactor: Redactor) -> None:
    """Use the stored key, or store a new one, so that a person is called the same over restarts."""
    key = read_mask_key(store)
    if key is None:
        store.write_state({MASK_KEY: redactor.mask_key.hex()})
    else:
        redactor.mask_key = key
