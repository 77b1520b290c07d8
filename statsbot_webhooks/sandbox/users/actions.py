"""What users do with the bot: they call commands, type into options, click, choose and submit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from ..messages import public
from ..rest.http import store_files, upload
from ..state import JSON, Guild
from .command_data import message_menu_data, resolve_choices, slash_data, user_menu_data
from .components import click_data, filled_in, label_of, modal_data
from .context import Context
from .results import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, InteractionResult, Record, result_of
from .views import Message
from .waiting import Waiting


class Actions:
    """The part of the sandbox where users use the bot.

    Everywhere `user_id` is who does it, the owner when it is left out; `guild_id` where, the first server when it is
    left out; `direct=True` does it in a direct message instead. No answer within `timeout` seconds is a result too: it
    says what a user would have seen.
    """

    def __init__(self, context: Context, waiting: Waiting) -> None:
        self._context = context
        self._waiting = waiting

    def commands(self, guild_id: int | None = None) -> list[str]:
        """Return the names of the registered commands, global ones or a guild's."""
        return [command["name"] for command in list(self._context.rest.bot.commands.get(guild_id, []))]

    async def invoke(
        self, name: str, *, user_id: int | None = None, guild_id: int | None = None, direct: bool = False,
        channel: str | int | None = None, options: dict[str, Any] | None = None, timeout: float = 10.0,
    ) -> InteractionResult:  # fmt: skip
        """Let a user call a slash command ("group sub"), and wait for the final answer; a file is given as (name, data).

        Raises `LookupError` for a command or option that the bot has not registered, or a user who is not there.
        """

        def data(guild: Guild | None, known: list[JSON]) -> JSON:
            return slash_data(self._context.state, guild, known, name, options or {}, attach=self._attach)

        return await self._command(COMMAND, name, data, user_id, guild_id, direct, channel, timeout)

    async def autocomplete(
        self, name: str, option: str, text: str = "", *, user_id: int | None = None, guild_id: int | None = None,
        direct: bool = False, options: dict[str, Any] | None = None, timeout: float = 10.0,
    ) -> list[JSON]:  # fmt: skip
        """Let a user type into an option of a slash command, and return the choices that the bot offers."""

        def data(guild: Guild | None, known: list[JSON]) -> JSON:
            return slash_data(self._context.state, guild, known, name, {**(options or {}), option: text}, option)

        return (await self._command(AUTOCOMPLETE, name, data, user_id, guild_id, direct, None, timeout)).choices

    async def context_menu(
        self, name: str, target: int | Message, *, user_id: int | None = None, guild_id: int | None = None,
        timeout: float = 10.0,
    ) -> InteractionResult:  # fmt: skip
        """Let a user call a command from the menu of a person (by id) or of a message."""

        shown = target if isinstance(target, int) else target.raw
        return await self.use_menu(name, shown, user_id, guild_id, timeout)

    async def use_menu(
        self, name: str, target: int | JSON, user_id: int | None, guild_id: int | None, timeout: float,
    ) -> InteractionResult:  # fmt: skip
        """Let a user call a command from the menu of a person (by id) or of a message (as Discord shows it)."""

        def data(guild: Guild | None, known: list[JSON]) -> JSON:
            if isinstance(target, int):
                return user_menu_data(self._context.state, guild, known, name, target)
            return message_menu_data(guild, known, name, public(target))

        return await self._command(COMMAND, name, data, user_id, guild_id, False, None, timeout)

    async def click(
        self, target: Message | InteractionResult, custom_id: str, *, values: list[str] | None = None,
        user_id: int | None = None, forged: bool = False, timeout: float = 10.0,
    ) -> InteractionResult:  # fmt: skip
        """Let a user press a button of a message or of an answer, or choose `values` from a menu in it.

        Raises `LookupError` for a component that is not there, is disabled or does not offer the values. `forged`
        sends the id anyhow, as a changed client can.
        """
        shown = target.raw if isinstance(target, Message) else target.message
        return await self.use(shown, custom_id, values, user_id, forged=forged, timeout=timeout)

    async def use(
        self, shown: JSON, custom_id: str, values: list[str] | None, user_id: int | None, *, forged: bool = False,
        timeout: float = 10.0,
    ) -> InteractionResult:  # fmt: skip
        """Let a user use a component of a message (as Discord shows it)."""

        def begin() -> Record:
            source = self._live(shown)
            guild = self._context.state.guild_of(int(source["channel_id"]))
            if forged:
                kind = {"component_type": 3, "values": values} if values is not None else {"component_type": 2}
                data: JSON = {"custom_id": custom_id, "id": 1, **kind}
            else:
                data = click_data(source["components"], custom_id, values)
            data |= resolve_choices(self._context.state, guild, [data])
            shown_as = custom_id if forged else label_of(source["components"], custom_id)
            return self._begin(COMPONENT, shown_as, data, user_id, guild, int(source["channel_id"]), source)

        return await self._answer_to(begin, timeout)

    async def submit(
        self, opened: InteractionResult, values: dict[str, Any] | None = None, *, user_id: int | None = None,
        timeout: float = 10.0,
    ) -> InteractionResult:  # fmt: skip
        """Let a user fill in and submit the modal that an answer opened; `values` are by custom id, files as (name, data)."""
        if not opened.modal:
            raise LookupError("the bot opened no modal")

        def begin() -> Record:
            before = self._record(opened)
            guild = self._context.state.guild_of(before.channel_id)
            files: JSON = {}
            data = modal_data(opened.modal, {key: self._kept(value, files) for key, value in (values or {}).items()})
            data |= resolve_choices(self._context.state, guild, filled_in(data), files)
            by = user_id or int(before.user["id"])
            return self._begin(MODAL_SUBMIT, opened.modal["title"], data, by, guild, before.channel_id, before.source)

        return await self._answer_to(begin, timeout)

    def replay(self, result: InteractionResult) -> None:
        """Send the event of an earlier interaction once more, as it was; Discord itself never does."""

        def act() -> None:
            payload = self._record(result).payload
            self._context.state.dispatch("INTERACTION_CREATE", payload, _guild_id(payload))

        self._context.call(act)

    def look(self, result: InteractionResult) -> InteractionResult:
        """Return what has been answered by now to what a user did earlier."""
        return self._context.call(lambda: result_of(self._record(result)))

    # -- on the server's thread

    def _attach(self, name: str, data: bytes) -> JSON:
        (kept,) = store_files(self._context.state, self._context.rest.bot.base_url, 0, (upload(name, data),), {})
        return kept

    def _kept(self, value: Any, files: JSON) -> Any:
        """Return what was filled into a field with its files, as (name, data), kept in `files` and named by their ids."""
        if not isinstance(value, (list, tuple)):
            return value
        given = cast(list[Any], [value] if isinstance(value, tuple) else value)
        kept = [self._attach(*cast(tuple[str, bytes], item)) if isinstance(item, tuple) else item for item in given]
        files |= {item["id"]: item for item in kept if isinstance(item, dict)}
        return [item["id"] if isinstance(item, dict) else item for item in kept]

    def message(self, channel_id: int, message_id: int) -> JSON:
        """Return a message, ephemeral ones too, by its ids; raises `LookupError` when it is gone."""
        return self._live({"id": str(message_id), "channel_id": str(channel_id)})

    def result(self, interaction_id: str) -> InteractionResult:
        """Return what has been answered so far to an interaction; raises `LookupError` when there was none."""
        for record in self._context.rest.interactions.records.values():
            if record.id == interaction_id:
                return result_of(record)
        raise LookupError("there was no such interaction")

    async def _command(
        self, kind: int, name: str, data: Callable[[Guild | None, list[JSON]], JSON], user_id: int | None,
        guild_id: int | None, direct: bool, channel: str | int | None, timeout: float,
    ) -> InteractionResult:  # fmt: skip
        def begin() -> Record:
            everywhere = self._context.rest.bot.commands.get(None, [])
            if direct:
                user = self._context.state.users[user_id or self._context.owner_id]
                place = int(self._context.state.direct_channel(user)["id"])
                return self._begin(kind, name, data(None, list(everywhere)), user_id, None, place)
            guild = self._context.guild(guild_id)
            known = [*self._context.rest.bot.commands.get(guild.id, []), *everywhere]
            found = self._context.channel(channel, guild) if channel is not None else next(iter(guild.channels))
            return self._begin(kind, name, data(guild, known), user_id, guild, found)

        return await self._answer_to(begin, timeout)

    def _begin(
        self, kind: int, name: str, data: JSON, user_id: int | None, guild: Guild | None, channel_id: int,
        source: JSON | None = None,
    ) -> Record:  # fmt: skip
        user = self._context.state.users[user_id or self._context.owner_id]
        if guild is not None:
            self._context.speaker(guild, int(user["id"]))
        record = self._context.rest.interactions.begin(kind, data, user, guild, channel_id, source, name)
        self._context.state.dispatch("INTERACTION_CREATE", record.payload, None if guild is None else guild.id)
        return record

    async def _answer_to(self, begin: Callable[[], Record], timeout: float) -> InteractionResult:
        record = self._context.call(begin)
        with suppress(TimeoutError):
            await self._waiting.wait_until(lambda: record.is_answered, timeout)
        return self._context.call(result_of, record)

    def _record(self, result: InteractionResult) -> Record:
        return next(record for record in self._context.rest.interactions.records.values() if record.id == result.id)

    def _live(self, shown: JSON) -> JSON:
        """Return the message itself for a copy of it: ephemeral ones are only with the interaction that they answer."""
        if not shown:
            raise LookupError("there is no message")
        found = self._context.messages.find(int(shown["channel_id"]), int(shown["id"]))
        kept = (message for record in self._context.rest.interactions.records.values() for message in record.messages)
        found = found or next((message for message in kept if message["id"] == shown["id"]), None)
        if found is None:
            raise LookupError("the message is gone")
        return found


def _guild_id(payload: JSON) -> int | None:
    return int(payload["guild_id"]) if "guild_id" in payload else None
