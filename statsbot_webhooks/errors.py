"""The exceptions that leave this package. None of their texts holds a webhook URL or a token."""

from __future__ import annotations

from collections.abc import Mapping


class WebhookLoggingError(Exception):
    """Base of every exception that this package raises."""


class ConfigError(WebhookLoggingError):
    """Settings that cannot be used; `problems` has one line for each, naming the setting and the way out.

    `by_field` has the same lines under the names of the configuration's fields, where they are known.
    """

    def __init__(self, problems: list[str], by_field: Mapping[str, str] | None = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.by_field = dict(by_field or {})


class StorageError(WebhookLoggingError):
    """A storage file that cannot be used; the text names the file and the way out."""


class NotRunningError(WebhookLoggingError):
    """A call that needs a running manager; the text says what to call first."""
