"""Transport: the one module that names `discord.Webhook`. Its own session sees every request, status and header.

It tries each request once and returns the result; its callers decide when to try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import aiohttp
import discord
from discord.http import Route

from ..config.destination import Destination
from ..config.network import Network
from ..events.event import Event, LogLevel
from ..formatting import limits
from ..formatting.formatter import WebhookMessage
from .button_view import make_view
from .message_threads import ThreadPlace
from .outcome import EndedCallError, Outcome, Result, SentFile, classify
from .response_headers import WebhookResponse, parse_response, read_seconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """How a message is sent: to a thread or as a new post of a forum, without a push notification, or with a ping of one role.

    `tags` are the ids of the forum's tags that a new post gets.
    """

    thread_id: int | None = None
    thread_name: str = ""
    is_silent: bool = False
    role_id: int | None = None
    tags: tuple[int, ...] = ()


def options_for(place: ThreadPlace, events: Iterable[Event], role_id: int | None = None) -> Options:
    """Return how a message of these events is sent; INFO and below send no push notification."""
    is_silent = all(event.level.number < LogLevel.WARNING.number for event in events)
    return Options(place.thread_id, place.thread_name, is_silent, role_id, place.tags)


@dataclass(frozen=True, slots=True)
class _KeptFile:
    """A file that an edit leaves in the message."""

    id: int

    def to_dict(self) -> dict[str, int]:
        """Return the part of the payload, as `discord.Attachment.to_dict` does."""
        return {"id": self.id}


@dataclass(slots=True)
class _WebhookCall:
    """A call of discord.py in progress, and what the trace saw of it."""

    destination: str
    is_started: bool = False
    is_written: bool = False
    answer: WebhookResponse | None = None
    # Whether the call looks a webhook up, and the application that owns it.
    is_look_up: bool = False
    application_id: int | None = None


# The trace hooks run in the task that sends.
_call: ContextVar[_WebhookCall | None] = ContextVar("statsbot_webhooks_call", default=None)


class WebhookTransport:
    """Send through discord.py. Needs a running loop.

    `on_answer` is called with every answer, and `clean` redacts the reasons.
    """

    def __init__(
        self, on_answer: Callable[[WebhookResponse], None], clean: Callable[[str], str] = str, network: Network | None = None
    ) -> None:
        self._network = network or Network()
        self._on_answer = on_answer
        self._clean = clean
        self._webhooks: dict[str, discord.Webhook] = {}
        self._client: discord.Client | None = None
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(_on_request_start)
        trace.on_request_headers_sent.append(_on_request_headers_sent)
        trace.on_request_redirect.append(self._on_request_redirect)
        trace.on_request_end.append(self._on_request_end)
        self._trace = trace
        self._session = self._network.open_session(trace_configs=[trace])
        # Of earlier settings, until their last request has ended.
        self._old_sessions: list[aiohttp.ClientSession] = []
        self._under_way = Counter[aiohttp.ClientSession]()
        self._closing: set[asyncio.Task[None]] = set()

    async def _on_request_redirect(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
    ) -> None:
        """Follow no redirect: Discord sends none, and a network's login page, say, must not get the message."""
        if (call := _call.get()) is not None:
            response = params.response
            self._on_answer(parse_response(call.destination, params.method, response.status, response.headers))
            response.close()
            raise EndedCallError(response.status, "a redirect, which is not followed")

    async def _on_request_end(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        call, response = _call.get(), params.response
        if call is None:
            return
        call.answer = parse_response(call.destination, params.method, response.status, response.headers)
        if call.is_look_up and response.status == 200:
            # discord.py does not keep it (BaseWebhook._update). It reads the same body again, from memory.
            call.application_id = await _owner(response)
        if response.status != 429 and response.status < 500:
            self._on_answer(call.answer)
            return
        ended = await _ended(response)
        self._on_answer(replace(call.answer, code=ended.code))
        # discord.py would wait and repeat the request, where no account counts it and no status shows it (W3, W4).
        raise ended

    def configure(self, network: Network) -> None:
        """Use another proxy or network from the next request on."""
        if network == self._network:
            return
        session = network.open_session(trace_configs=[self._trace])
        self._old_sessions.append(self._session)
        self._network, self._session = network, session
        self._webhooks.clear()
        self._close_unused()

    def _close_unused(self) -> None:
        """Close the sessions of earlier settings that have no request under way."""
        unused = [session for session in self._old_sessions if not self._under_way[session]]
        self._old_sessions = [session for session in self._old_sessions if self._under_way[session]]
        for session in unused:
            del self._under_way[session]
            task = asyncio.get_running_loop().create_task(session.close(), name="statsbot_webhooks-close connections")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def use_client(self, client: discord.Client | None) -> None:
        """Send for a bot from now on: discord.py accepts interactive buttons only with a bot's state."""
        if client is not self._client:
            self._client = client
            self._webhooks.clear()

    def _webhook(self, destination: Destination) -> discord.Webhook:
        url, known = destination.url, self._webhooks.get(destination.name)
        # `/webhooks setup` may give a destination another webhook while it runs.
        if known is None or (known.id, known.token) != (url.id, url.token):
            # from_url insists on a 17-20 digit id and 60 characters of token (W9).
            known = self._webhooks[destination.name] = discord.Webhook.partial(
                url.id, url.token, session=self._session, client=self._client or discord.utils.MISSING
            )
            known.proxy = self._network.find_proxy(Route.BASE)
        return known

    async def send(self, destination: Destination, message: WebhookMessage, options: Options) -> Result:
        """Send a message and wait for Discord's confirmation; failures come back as results."""
        missing = discord.utils.MISSING
        content, mentions = _with_ping(message.content, options.role_id)
        is_new_post = bool(options.thread_name) and not options.thread_id
        _call.set(call := _WebhookCall(destination.name))
        try:
            sent = await self._run(
                self._webhook(destination).send(
                    content=content if content is not None else missing,
                    embeds=_embeds(message),
                    files=_files(message),
                    username=message.username or missing,
                    avatar_url=message.avatar_url or missing,
                    thread=discord.Object(options.thread_id) if options.thread_id else missing,
                    thread_name=options.thread_name if is_new_post else missing,
                    # Only the ids of the tags are read (Webhook.send).
                    applied_tags=cast(Any, [discord.Object(tag) for tag in options.tags])
                    if is_new_post and options.tags
                    else missing,
                    silent=options.is_silent,
                    view=make_view(message.buttons) if message.buttons else missing,
                    allowed_mentions=mentions,
                    # Otherwise Discord would fetch the links of a plain text and show previews.
                    suppress_embeds=bool(content) and not message.embeds,
                    # Without it a message that was not saved goes unnoticed (W6).
                    wait=True,
                )
            )
        except Exception as error:  # noqa: BLE001 - a guard: every failure becomes a result, which is counted
            return self._failed(error, call)
        status = call.answer.status if call.answer is not None else None
        files = _sent_files(sent)
        return Result(Outcome.DELIVERED, status=status, message_id=sent.id, channel_id=sent.channel.id, files=files)

    async def edit(
        self,
        destination: Destination,
        message_id: int,
        message: WebhookMessage,
        *,
        thread_id: int | None = None,
        keeps: Collection[str] = (),
        kept_files: Sequence[int] = (),
    ) -> Result:
        """Replace what a message shows, except for "embeds" or "files" in `keeps`, and its sender's name.

        Files whose ids are in `kept_files` stay beside the new ones.
        """
        missing = discord.utils.MISSING
        _call.set(call := _WebhookCall(destination.name))
        # discord.py calls only `to_dict` of attachments that are no `discord.File` (handle_message_parameters).
        kept = cast("list[discord.Attachment]", [_KeptFile(file_id) for file_id in kept_files])
        try:
            edited = await self._run(
                self._webhook(destination).edit_message(
                    message_id,
                    content=message.content,
                    embeds=missing if "embeds" in keeps else _embeds(message),
                    attachments=missing if "files" in keeps else [*kept, *_files(message)],
                    view=missing if message.buttons is None else make_view(message.buttons) if message.buttons else None,
                    allowed_mentions=discord.AllowedMentions.none(),
                    thread=discord.Object(thread_id) if thread_id else missing,
                )
            )
        except Exception as error:  # noqa: BLE001 - as in send
            return self._failed(error, call)
        return Result(Outcome.DELIVERED, message_id=message_id, files=_sent_files(edited))

    async def delete(self, destination: Destination, message_id: int, *, thread_id: int | None = None) -> Result:
        """Delete a message of the webhook."""
        _call.set(call := _WebhookCall(destination.name))
        thread = discord.Object(thread_id) if thread_id else discord.utils.MISSING
        try:
            await self._run(self._webhook(destination).delete_message(message_id, thread=thread))
        except Exception as error:  # noqa: BLE001 - as in send
            return self._failed(error, call)
        return Result(Outcome.DELIVERED, message_id=message_id)

    async def fetch_channel_id(self, destination: Destination) -> tuple[int | None, Result]:
        """Ask Discord which channel the webhook posts to; the result holds its owner and its server. None when that failed."""
        _call.set(call := _WebhookCall(destination.name, is_look_up=True))
        try:
            webhook = await self._run(self._webhook(destination).fetch(prefer_auth=False))
        except Exception as error:  # noqa: BLE001 - as in send
            return None, self._failed(error, call)
        return webhook.channel_id, Result(Outcome.DELIVERED, application_id=call.application_id, guild_id=webhook.guild_id)

    async def fetch_text(self, destination: Destination, message_id: int, *, thread_id: int | None = None) -> tuple[str, Result]:
        """Return the texts of a message of the webhook in which its batch id may be."""
        _call.set(call := _WebhookCall(destination.name))
        thread = discord.Object(thread_id) if thread_id else discord.utils.MISSING
        try:
            message = await self._run(self._webhook(destination).fetch_message(message_id, thread=thread))
        except Exception as error:  # noqa: BLE001 - as in send
            return "", self._failed(error, call)
        footers = [embed.footer.text or "" for embed in message.embeds]
        return "\n".join([message.content, *footers]), Result(Outcome.DELIVERED, message_id=message_id)

    def _failed(self, error: Exception, call: _WebhookCall) -> Result:
        seen = call.answer or WebhookResponse(call.destination, "", 0)
        status = None if call.answer is None else seen.status
        result = classify(error, status=status, retry_after=seen.retry_after, has_via=seen.has_via, is_written=call.is_written)
        # Discord's reasons quote what they refuse.
        return replace(result, reason=self._clean(result.reason))

    async def _run(self, call: Awaitable[T]) -> T:
        """Await a call of discord.py, without keeping the webhook's lock when it is cancelled (W2).

        discord.py does not release the lock then, and holds it by a weak reference only: it lives as long as the frames of the
        call, which the exception of the cancelled task would keep.
        """
        session = self._session
        self._under_way[session] += 1
        try:
            return await call
        except asyncio.CancelledError as error:
            raise error.with_traceback(None) from None
        finally:
            self._under_way[session] -= 1
            self._close_unused()

    async def close(self) -> None:
        """Close the connections."""
        for session in (*self._old_sessions, self._session):
            await session.close()
        await asyncio.gather(*self._closing, return_exceptions=True)


async def _on_request_start(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestStartParams
) -> None:
    call = _call.get()
    if call is None:
        return
    if call.is_started:
        # After a reset (errno 54 and 10054) discord.py sends the same message again, though the first may have arrived.
        raise aiohttp.ServerDisconnectedError
    call.is_started = True


async def _on_request_headers_sent(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    if (call := _call.get()) is not None:
        call.is_written = True


async def _said(response: aiohttp.ClientResponse) -> dict[str, object]:
    """Return the JSON object in the body of an answer; empty when there is none."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
        parsed: object = json.loads(await response.read())
        return parsed if isinstance(parsed, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    return {}


async def _owner(response: aiohttp.ClientResponse) -> int | None:
    """Return the application that owns the webhook of a look-up's answer."""
    owner = (await _said(response)).get("application_id")
    return int(owner) if isinstance(owner, str) and owner.isdecimal() else None


async def _ended(response: aiohttp.ClientResponse) -> EndedCallError:
    """Return the error that ends a call, with what the answer says of its refusal."""
    said = await _said(response)
    text, code, retry_after = said.get("message"), said.get("code"), said.get("retry_after")
    return EndedCallError(
        response.status,
        text.removeprefix(f"{response.status}: ") if isinstance(text, str) else response.reason or "",
        code if isinstance(code, int) else 0,
        read_seconds(retry_after),
    )


def _with_ping(content: str | None, role_id: int | None) -> tuple[str | None, discord.AllowedMentions]:
    """Return the content with the mention of the role, the only one that is allowed; the text itself pings nothing."""
    if role_id is None:
        return content, discord.AllowedMentions.none()
    mention = f"<@&{role_id}>"
    text = f"{mention}\n{content}" if content else mention
    roles = [discord.Object(role_id)]
    return limits.truncate(text, limits.CONTENT), discord.AllowedMentions(everyone=False, users=False, roles=roles)


def _embeds(message: WebhookMessage) -> list[discord.Embed]:
    return [discord.Embed.from_dict(embed) for embed in message.embeds]


def _sent_files(message: discord.Message) -> tuple[SentFile, ...]:
    return tuple(SentFile(file.id, file.filename, file.size) for file in message.attachments)


def _files(message: WebhookMessage) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.data), file.filename) for file in message.files]
