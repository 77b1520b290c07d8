"""What the redactor needs of the outside: the environment's secrets, and the key of the pseudonyms, which the storage keeps."""

from __future__ import annotations

from typing import Final

from .config import WebhookConfig, read_values
from .redact import Redactor
from .redact_values import secret_values
from .storage import StateStore

_MASK_KEY: Final = "mask_key"


def make_redactor(config: WebhookConfig) -> Redactor:
    """Return the redactor of a configuration; it knows the secrets of the environment, of `.env` and of the webhooks."""
    return Redactor(
        mask_user_ids=config.mask_user_ids,
        mask_level=config.mask_level,
        include_stack_traces=config.include_stack_traces,
        secrets=secret_values(read_values()).union(destination.url.token for destination in config.destinations),
        patterns=config.redact_patterns,
    )


def keep_mask_key(store: StateStore, redactor: Redactor) -> None:
    """Use the stored key, or store a new one, so that a person is called the same over restarts."""
    key = store.read_state(_MASK_KEY).get(_MASK_KEY)
    if not isinstance(key, str):
        key = redactor.mask_key.hex()
        store.write_state({_MASK_KEY: key})
    redactor.mask_key = bytes.fromhex(key)
