"""Event(s) to a message within Discord's limits, as embeds or as plain text. Pure; how each looks is in `present`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..clock import Clock, SystemClock
from ..config.model import WebhookConfig
from ..events.call_arguments import MISSING, take_arguments
from ..events.event import Event, LogLevel
from ..events.factory import error_event, log_event, member_event, performance_event
from ..events.folding import Fold, Group, group_events, paced
from ..issues.fingerprint import fingerprints, finish
from .digest import format_digest
from .embeds import format_cards
from .lines import format_lines
from .message import BotInfo, Button, Embed, FileAttachment, WebhookMessage, mark, sign
from .own_messages import OwnMessages, ShownError, with_context
from .plain_text import format_plain
from .presentation import parts_of, present, present_group
from .style import Style
from .templates import Templates
from .traceback_text import program_folder

__all__ = ["BotInfo", "Button", "Embed", "FileAttachment", "MessageFormatter", "WebhookMessage", "mark"]


class MessageFormatter:
    """Turn events into messages. The same settings always give the same message for the same event."""

    def __init__(
        self,
        config: WebhookConfig,
        *,
        clock: Clock | None = None,
        pause: Callable[[], object] = lambda: None,
        templates: Templates | None = None,
    ) -> None:
        """`pause` is called often while many events are laid out; it may let other threads run.

        `templates` (see `load_templates`) replace titles, colours, texts and fields of cards.
        """
        self.pause = pause
        self._style = Style(
            config.max_message_length,
            config.use_embeds,
            config.include_timestamps,
            pause,
            root=program_folder(),
            home_guild_id=config.admin_guild_id,
        )
        self.use_templates(templates or Templates())
        self._shows_bot = config.include_bot_info
        self._keeps_traces = config.include_stack_traces
        self._clock = clock or SystemClock()
        self.bot_info = BotInfo()

    def use_templates(self, templates: Templates) -> None:
        """Lay out cards with other templates from now on."""
        self._style = replace(self._style, templates=templates)

    def format_log_message(
        self, level: LogLevel | str = MISSING, message: object = MISSING, /, **context: object
    ) -> WebhookMessage:
        """Format a log message with its context. The first parameters of each `format_*` may be given by name too."""
        level, message = take_arguments("format_log_message", context, level=level, message=message)
        return self.format_event(log_event(level, message, now=self._clock.now(), context=context))

    def format_error_message(self, error: BaseException, context: Mapping[str, object] | None = None) -> WebhookMessage:
        """Format an exception with its traceback and context."""
        if isinstance(error, ShownError):
            return self._build([with_context(error.group, context or {})])[0]
        now = self._clock.now()
        return self.format_event(error_event(error, now=now, include_stack_traces=self._keeps_traces, context=context))

    def format_performance_alert(
        self, metric_name: str = MISSING, value: float = MISSING, threshold: float = MISSING, /, **context: object
    ) -> WebhookMessage:
        """Format a measured value that is above its threshold."""
        named = {"metric_name": metric_name, "value": value, "threshold": threshold}
        metric_name, value, threshold = take_arguments("format_performance_alert", context, **named)
        return self.format_event(performance_event(metric_name, value, threshold, now=self._clock.now(), context=context))

    def format_member_event(
        self,
        event_type: str = MISSING,
        member_id: int | str | None = MISSING,
        username: str | None = MISSING,
        /,
        **context: object,
    ) -> WebhookMessage:
        """Format what happened to a member."""
        named = {"event_type": event_type, "member_id": member_id, "username": username}
        event_type, member_id, username = take_arguments("format_member_event", context, **named)
        return self.format_event(member_event(event_type, member_id, username, now=self._clock.now(), context=context))

    def format_event(self, event: Event) -> WebhookMessage:
        """Return a message that shows one event as a card."""
        # Not by way of `format_groups`: a method of the host may call the one that it overrides, which comes to here.
        return self._build(group_events([finish(event)]))[0]

    def format_fold(self, fold: Fold, events: Sequence[Event] = ()) -> WebhookMessage:
        """Return a message that shows the repeats of one event as a card.

        Where the texts of `events` (those it stands for, oldest first) differ, the card lists them, and a file has all of
        them; without `events` it shows the newest.
        """
        if parts := group_events(parts_of(fold.event), pause=self.pause):
            message, shown = self.format_groups(parts)
            if shown == len(parts):
                return message
        return self.format_groups([Group(fold, events or [fold.event])])[0]

    def format_groups(self, groups: Sequence[Group]) -> tuple[WebhookMessage, int]:
        """Return a message with a card for each group, and how many of the groups fitted into it (at least one)."""
        own = self._own()
        for place, group in enumerate(groups):
            message = own.of(group)
            if message is not None and place > 0:
                # A message of the host's is one by itself.
                return self._build(groups[:place])
            if message is not None:
                # It shows one of the texts; the others are in the file.
                files = self._build([group])[0].files if len(group.events) > 1 else ()
                return replace(message, files=message.files or files), 1
        return self._build(groups)

    def _own(self) -> OwnMessages:
        # A class of the host need not call our `__init__`.
        own: OwnMessages | None = vars(self).get("_own_messages")
        if own is None:
            own = self._own_messages = OwnMessages(self, MessageFormatter)
        return own

    def _build(self, groups: Sequence[Group]) -> tuple[WebhookMessage, int]:
        build = format_cards if self._style.use_embeds else format_plain
        return self._sign(build([present_group(group, on_card=True) for group in groups], self._style))

    def format_lines(self, groups: Sequence[Group]) -> tuple[WebhookMessage, int]:
        """Return a message with a line for each group, and how many of the groups fitted into it (at least one)."""
        return self._sign(format_lines([present_group(group, on_card=False) for group in groups], self._style))

    def format_digest(self, events: Sequence[Event], keys: Sequence[str] | None = None) -> tuple[WebhookMessage, int]:
        """Return a message with counts and every event in full in a file, and how many of the events fitted into it.

        `keys` are the fingerprints of the events, where these are known.
        """
        keys = keys or fingerprints(events, self.pause)
        return self._sign(format_digest([present(event) for event in paced(events, self.pause)], keys, self._style))

    def _sign(self, built: tuple[WebhookMessage, int]) -> tuple[WebhookMessage, int]:
        message, count = built
        return (sign(message, self.bot_info) if self._shows_bot else message), count
