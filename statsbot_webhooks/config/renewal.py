"""What has to be renewed when a setting changes: a mark on each field of the configuration, and the comparison that reads it."""

from __future__ import annotations

from dataclasses import Field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from .model import WebhookConfig


class Renews(StrEnum):
    """A part of the running package that takes a setting at its construction."""

    ROUTER = "router"
    REDACTOR = "redactor"
    FORMATTER = "formatter"
    WORKERS = "workers"
    MAINTENANCE = "maintenance"
    CAPTURE = "capture"
    COMMANDS = "commands"
    # Opened once: another value is for the next start.
    STORAGE = "storage"


def renews(field: Field[Any]) -> frozenset[Renews]:
    """Return what has to be renewed when this field changes."""
    return frozenset(part for part in get_args(field.type) if isinstance(part, Renews))


def parts_to_renew(old: WebhookConfig, new: WebhookConfig) -> frozenset[Renews]:
    """Return what has to be renewed to go from one configuration to the other."""
    changed = [field for field in fields(new) if getattr(old, field.name) != getattr(new, field.name)]
    return frozenset[Renews]().union(*map(renews, changed))
