"""Each webhook as Discord knows it: that it is there, where it posts, and which ones share a channel or are the same."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import aiohttp
import discord
from discord.http import Route

from ...config.destination import Destination
from ...config.network import Network
from ...delivery.outcome import Outcome, name_connection_error
from ...delivery.transport import Options, WebhookTransport
from ...formatting.formatter import WebhookMessage
from .report import Finding, Grade

_SECONDS = aiohttp.ClientTimeout(total=20)
_TEST = "Test message of `python -m statsbot_webhooks check --send`"


async def fetch_webhooks(
    destinations: Sequence[Destination], network: Network
) -> tuple[dict[str, discord.Webhook], list[Finding]]:
    """Ask Discord for each webhook; returns those that are there, by destination, and what is wrong with the others."""
    found: dict[str, discord.Webhook] = {}
    findings: list[Finding] = []
    async with network.open_session(timeout=_SECONDS) as session:
        for destination in destinations:
            url = destination.url
            webhook = discord.Webhook.partial(url.id, url.token, session=session)
            webhook.proxy = network.find_proxy(Route.BASE)
            try:
                # After a 429 discord.py waits for as long as the answer says (W4).
                async with asyncio.timeout(_SECONDS.total):
                    found[destination.name] = await webhook.fetch(prefer_auth=False)
            except (discord.NotFound, discord.Forbidden, discord.HTTPException) as error:
                way_out = "delete it there and make a new one" if error.status in (401, 403, 404) else "try again"
                text = f"{destination.setting}: Discord answers {error.status} {error.text}; {way_out}, or run /webhooks setup"
                findings.append(Finding(Grade.ERROR, destination.name, text))
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                findings.append(
                    Finding(Grade.ERROR, destination.name, f"Discord cannot be reached ({name_connection_error(error)})")
                )
            except (TypeError, ValueError, KeyError, AttributeError):
                findings.append(Finding(Grade.ERROR, destination.name, "the answer is not Discord's: a proxy may have sent it"))
    return found, findings


def describe_webhooks(
    destinations: Sequence[Destination], webhooks: Mapping[str, discord.Webhook], names: Mapping[int, str]
) -> list[Finding]:
    """Say where each webhook posts, and which ones are in each other's way; `names` are those of channels and guilds."""
    findings: list[Finding] = []
    for name, webhook in webhooks.items():
        channel, guild = webhook.channel_id or 0, webhook.guild_id or 0
        where = f"channel {names.get(channel, channel)} of {names.get(guild, guild)}"
        findings.append(Finding(Grade.OK, name, f"webhook {webhook.id} ({webhook.name}) posts to {where}"))
    same: defaultdict[object, list[str]] = defaultdict(list)
    for destination in destinations:
        same[destination.url].append(destination.name)
    for group in same.values():
        if len(group) > 1:
            text = "have the same webhook: what both of them want is shown twice there"
            findings.append(Finding(Grade.WARNING, ", ".join(group), text))
    channels: defaultdict[int, set[str]] = defaultdict(set)
    for name, webhook in webhooks.items():
        channels[webhook.channel_id or 0].add(name)
    for group in channels.values():
        if len({webhooks[name].id for name in group}) > 1:
            text = "post to one channel and share its limit of 30 messages a minute"
            findings.append(Finding(Grade.NOTE, ", ".join(sorted(group)), text))
    return findings


async def describe_buttons(
    destinations: Sequence[Destination], names: Collection[str], application_id: int | None, network: Network
) -> list[Finding]:
    """Say whether the cards of each webhook can carry buttons: those of an application can, and it alone gets the presses."""
    transport = WebhookTransport(lambda _answer: None, network=network)
    findings: list[Finding] = []
    try:
        for destination in destinations:
            if destination.name in names:
                _, result = await transport.fetch_channel_id(destination)
                findings.append(Finding(Grade.NOTE, destination.name, _buttons(result.application_id, application_id)))
    finally:
        await transport.close()
    return findings


def _buttons(owner: int | None, application_id: int | None) -> str:
    if owner is None:
        return (
            "was made by hand, so its cards have no buttons, only the message menu; /webhooks setup makes webhooks with buttons"
        )
    if application_id is None:
        return f"belongs to the application {owner}: its cards have buttons if that is the bot's (DISCORD_TOKEN says)"
    return "its cards have buttons" if owner == application_id else f"belongs to another application ({owner}): no buttons"


async def send_tests(destinations: Sequence[Destination], names: Sequence[str], network: Network) -> list[Finding]:
    """Send one test message to each destination of those names."""
    transport = WebhookTransport(lambda _answer: None, network=network)
    findings: list[Finding] = []
    try:
        for destination in destinations:
            if destination.name not in names:
                continue
            options = Options(destination.url.thread_id, destination.thread_name or "", is_silent=True)
            result = await transport.send(destination, WebhookMessage(content=_TEST), options)
            is_there = result.outcome == Outcome.DELIVERED
            text = "the test message is there" if is_there else f"the test message was not delivered: {result.reason}"
            findings.append(Finding(Grade.OK if is_there else Grade.ERROR, destination.name, text))
    finally:
        await transport.close()
    return findings
