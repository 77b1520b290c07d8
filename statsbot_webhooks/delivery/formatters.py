"""Which formatter lays the messages out: the package's, or one of the host's own, with the bot's name and the templates."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock, breathe
from ..config.model import WebhookConfig
from ..formatting.formatter import BotInfo, MessageFormatter
from ..formatting.templates import load_templates

CustomFormatter = MessageFormatter | Callable[[WebhookConfig], MessageFormatter]


class Formatters:
    """Make the formatter of a configuration. One that the host gave as an object goes on over every configuration."""

    def __init__(self, custom: CustomFormatter | None, clock: Clock) -> None:
        self._custom = custom
        self._clock = clock
        # Whose events the messages show.
        self.bot_info = BotInfo()
        self._current: MessageFormatter | None = None

    def make(self, config: WebhookConfig) -> MessageFormatter:
        """Return a formatter; it reads the file of the templates, and logs what is wrong there."""
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
        """Note which formatter is used from now on."""
        self._current = formatter
        return formatter

    def set_bot_info(self, bot_info: BotInfo) -> None:
        """Say whose events the messages show."""
        self.bot_info = bot_info
        if self._current is not None:
            self._current.bot_info = bot_info
