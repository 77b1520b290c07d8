"""The one place that calls `discord.Webhook.send` and `edit_message`: its own session sees every status and header."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Protocol

import aiohttp
import discord

from ..config import Destination
from ..message_formatter import WebhookMessage
from .outcome import Outcome, Result, classify

# Discord answers within a second or two once it has the whole request; a file of 10 MiB over a slow line takes longer.
_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10, sock_read=20)


class Transport(Protocol):
    """Where messages leave; a seam for tests and for other ways to send."""

    async def send(self, destination: Destination, message: WebhookMessage) -> Result: ...

    async def edit(
        self, destination: Destination, message_id: int, message: WebhookMessage, *, thread_id: int | None = None
    ) -> Result: ...

    async def fetch_channel_id(self, destination: Destination) -> tuple[int | None, Result]: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Seen:
    """What the wire showed last for a webhook."""

    status: int | None = None
    retry_after: float | None = None
    # Discord's own answers carry it; those of Cloudflare, which blocks addresses, do not.
    has_via: bool = False


class WebhookTransport:
    """Send through discord.py; needs a running loop.

    `on_request(destination, status)` is told of every answer, and `clean` takes secrets out of the reasons.
    """

    def __init__(self, on_request: Callable[[str, int], None], clean: Callable[[str], str] = str) -> None:
        self._on_request = on_request
        self._clean = clean
        self._seen: dict[str, _Seen] = {}
        self._names: dict[str, str] = {}
        self._webhooks: dict[str, discord.Webhook] = {}
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_request_end)
        self._session = aiohttp.ClientSession(trace_configs=[trace], timeout=_TIMEOUT)

    async def _on_request_end(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        parts = params.url.path.rpartition("/webhooks/")[2].split("/")
        name = self._names.get("/".join(parts[:2]))
        if name is None:
            return
        seen = self._seen.setdefault(name, _Seen())
        seen.status = params.response.status
        seen.has_via = "Via" in params.response.headers
        try:
            seen.retry_after = float(params.response.headers.get("Retry-After", ""))
        except ValueError:
            seen.retry_after = None
        self._on_request(name, seen.status)

    def _webhook(self, destination: Destination) -> discord.Webhook:
        url, known = destination.url, self._webhooks.get(destination.name)
        # `/webhooks setup` may give a destination another webhook while it runs.
        if known is None or (known.id, known.token) != (url.id, url.token):
            self._names[f"{url.id}/{url.token}"] = destination.name
            # from_url insists on a 17-20 digit id and 60 characters of token (W9).
            self._webhooks[destination.name] = discord.Webhook.partial(url.id, url.token, session=self._session)
        return self._webhooks[destination.name]

    async def send(self, destination: Destination, message: WebhookMessage) -> Result:
        """Send a message and wait for Discord's confirmation; failures come back as results."""
        webhook = self._webhook(destination)
        thread_id = destination.url.thread_id
        missing = discord.utils.MISSING
        seen = self._seen[destination.name] = _Seen()
        try:
            sent = await webhook.send(
                content=message.content if message.content is not None else missing,
                embeds=_embeds(message),
                files=_files(message),
                username=message.username or missing,
                avatar_url=message.avatar_url or missing,
                thread=discord.Object(thread_id) if thread_id else missing,
                # The channel must not ping whatever the text says; wait=False would hide a message not saved (W6).
                allowed_mentions=discord.AllowedMentions.none(),
                wait=True,
            )
        except Exception as error:  # noqa: BLE001 - the border to Discord: every failure becomes a counted result
            return self._failed(error, seen)
        return Result(Outcome.DELIVERED, status=seen.status, message_id=sent.id, channel_id=sent.channel.id)

    async def edit(
        self, destination: Destination, message_id: int, message: WebhookMessage, *, thread_id: int | None = None
    ) -> Result:
        """Replace all that a message shows, files included; the webhook's name stays as it was posted."""
        webhook = self._webhook(destination)
        thread_id = thread_id or destination.url.thread_id
        seen = self._seen[destination.name] = _Seen()
        try:
            await webhook.edit_message(
                message_id,
                content=message.content,
                embeds=_embeds(message),
                attachments=_files(message),
                allowed_mentions=discord.AllowedMentions.none(),
                thread=discord.Object(thread_id) if thread_id else discord.utils.MISSING,
            )
        except Exception as error:  # noqa: BLE001 - as in send
            return self._failed(error, seen)
        return Result(Outcome.DELIVERED, status=seen.status, message_id=message_id)

    async def fetch_channel_id(self, destination: Destination) -> tuple[int | None, Result]:
        """Ask Discord which channel the webhook posts to."""
        try:
            webhook = await self._webhook(destination).fetch(prefer_auth=False)
        except Exception as error:  # noqa: BLE001 - as in send
            return None, self._failed(error, _Seen())
        return webhook.channel_id, Result(Outcome.DELIVERED)

    def _failed(self, error: Exception, seen: _Seen) -> Result:
        result = classify(error, status=seen.status, retry_after=seen.retry_after, has_via=seen.has_via)
        # Discord's reasons quote what they refuse.
        return replace(result, reason=self._clean(result.reason))

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def _embeds(message: WebhookMessage) -> list[discord.Embed]:
    return [discord.Embed.from_dict(embed) for embed in message.embeds]


def _files(message: WebhookMessage) -> list[discord.File]:
    return [discord.File(io.BytesIO(file.data), file.filename) for file in message.files]
