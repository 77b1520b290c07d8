"""What has to be renewed to go from one configuration to another: each field says it itself."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, get_args

from .field_types import Renews
from .model import WebhookConfig


def renews(field: Field[Any]) -> frozenset[Renews]:
    """Return what has to be renewed when this field changes."""
    return frozenset(part for part in get_args(field.type) if isinstance(part, Renews))


def parts_to_renew(old: WebhookConfig, new: WebhookConfig) -> frozenset[Renews]:
    """Return what has to be renewed to go from one configuration to the other."""
    changed = [field for field in fields(new) if getattr(old, field.name) != getattr(new, field.name)]
    return frozenset[Renews]().union(*map(renews, changed))
