"""Formatters: the formatter of a configuration, the package's or the host's own. Nothing is laid out here."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock, breathe
from ..config.model import WebhookConfig
from ..formatting.formatter import BotInfo, MessageFormatter
from ..formatting.templates import load_templates

CustomFormatter = MessageFormatter | Callable[[WebhookConfig], MessageFormatter]


class Formatters:
    """Make the formatter of a configuration; an object that the host gave is used with every configuration."""

    def __init__(self, custom: CustomFormatter | None, clock: Clock) -> None:
        self._custom = custom
        self._clock = clock
        # The bot whose events the messages show.
        self.bot_info = BotInfo()
        self._current: MessageFormatter | None = None

    def make(self, config: WebhookConfig) -> MessageFormatter:
        """Return a formatter. Reads the template file, and logs what is wrong in it."""
        if isinstance(self._custom, MessageFormatter):
            formatter = self._custom
        elif self._custom is not None:
            formatter = self._custom(config)
        else:
            formatter = MessageFormatter(config, clock=self._clock, pause=breathe)
        formatter.use_templates(load_templates(config.templates))
        formatter.bot_info = self.bot_info
        return formatter

    def use(self, formatter: MessageFormatter) -> MessageFormatter:
        """Set the formatter that is used from now on, and return it."""
        self._current = formatter
        return formatter

    def set_bot_info(self, bot_info: BotInfo) -> None:
        """Set the bot whose events the messages show."""
        self.bot_info = bot_info
        if self._current is not None:
            self._current.bot_info = bot_info
