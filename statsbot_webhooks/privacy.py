"""What the redactor needs of the outside: the environment's secrets."""

from __future__ import annotations

from .config.loading import read_values
from .config.model import WebhookConfig
from .redaction.known_values import secret_values
from .redaction.redactor import Redactor


def make_redactor(config: WebhookConfig) -> Redactor:
    """Return the redactor of a configuration; it knows the secrets of the environment, of `.env` and of the webhooks."""
    return Redactor(
        mask_user_ids=config.mask_user_ids,
        mask_level=config.mask_level,
        include_stack_traces=config.include_stack_traces,
        secrets=secret_values(read_values()).union(destination.url.token for destination in config.destinations),
        patterns=config.redact_patterns,
    )
