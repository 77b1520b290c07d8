"""The exceptions that leave this package. None of their texts holds a webhook URL or a token."""

from __future__ import annotations


class WebhookLoggingError(Exception):
    """Base of every exception that this package raises."""


class ConfigError(WebhookLoggingError):
    """Settings that cannot be used; `problems` has one line for each, naming the setting and the way out."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StorageError(WebhookLoggingError):
    """A storage file that cannot be used; the text names the file and the way out."""


class NotRunningError(WebhookLoggingError):
    """A call that needs a running manager; the text says what to call first."""
