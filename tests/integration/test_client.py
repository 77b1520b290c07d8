"""A bot that is a plain `discord.Client`: `await watch_client(self)` in `setup_hook`, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

import discord
import pytest
from discord import app_commands, ui
from discord.ext import tasks

from statsbot_webhooks import get_webhook_manager, setup_webhook_logging, watch_client
from statsbot_webhooks.integration import integrate_with_member_events, remove_integrations
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot


class Panel(ui.View):
    @ui.button(label="Buy", custom_id="buy")
    async def buy(self, interaction: discord.Interaction, button: ui.Button[Any]) -> None:
        raise RuntimeError("in the view")


class Shop(discord.Client):
    """Knows no commands; its tree, if it has one, is made after we are there."""

    def __init__(self, make_tree: Callable[[Shop], object] | None = None) -> None:
        super().__init__(intents=discord.Intents.all(), guild_ready_timeout=0.2)
        self.make_tree = make_tree
        self.is_up = asyncio.Event()

    async def setup_hook(self) -> None:
        await watch_client(self)
        await watch_client(self)
        if self.make_tree:
            tree: Any = self.make_tree(self)
            await tree.sync()

    async def on_ready(self) -> None:
        self.is_up.set()

    async def on_message(self, message: discord.Message) -> None:
        if message.content == "trip":
            raise RuntimeError("in an event")


def make_tree(client: Shop) -> object:
    tree: app_commands.CommandTree[Shop] = app_commands.CommandTree(client)

    @tree.command(description="Fails")
    async def buy(interaction: discord.Interaction, what: str) -> None:
        raise RuntimeError("in the tree")

    @tree.command(description="Panel")
    async def panel(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("panel", view=Panel())

    return tree


@contextlib.asynccontextmanager
async def running(client: Shop, sandbox: Sandbox) -> AsyncGenerator[None]:
    task = asyncio.create_task(client.start(sandbox.bot_token))
    try:
        async with asyncio.timeout(30):
            await asyncio.wait([task, asyncio.create_task(client.is_up.wait())], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
            while any(guild.unavailable for guild in client.guilds):
                await asyncio.sleep(0.01)
        yield
    finally:
        await client.close()
        await asyncio.wait([task])


def shown(sandbox: Sandbox, name: str = "error") -> list[str]:
    return [str(embed) for message in sandbox.messages(name) for embed in message.embeds]


async def test_a_client_without_a_tree_shows_all_there_is_and_ends_clean(
    sandbox: Sandbox, env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Shop()

    @tasks.loop(seconds=3600)
    async def refresh() -> None:
        raise RuntimeError("in a loop")

    async with running(client, sandbox):
        logging.getLogger("shop").warning("a warning of the shop")
        sandbox.say("trip")
        refresh.start()
        # The extension's own function for members changes nothing: they are watched already.
        assert integrate_with_member_events(client)
        sandbox.join("newcomer")
        await sandbox.wait_until(
            lambda: "in a loop" in str(shown(sandbox)) and "newcomer" in str(shown(sandbox, "member_events"))
        )
        before = {name: vars(client).get(name) for name in ("dispatch", "close")}
        assert all(before.values())
    cards = shown(sandbox)
    for text in ("a warning of the shop", "in an event", "in a loop"):
        assert len([card for card in cards if text in card]) == 1, text
    assert "on_message" in next(card for card in cards if "in an event" in card)
    assert len([card for card in shown(sandbox, "member_events") if "newcomer" in card]) == 1
    # Nothing of ours is left on it, and what waited was sent.
    assert not any(name in vars(client) for name in before)
    assert "close" not in vars(client.http)
    assert not get_webhook_manager().is_running
    assert "on_error" not in vars(Shop)
    task = refresh.get_task()
    assert task is not None
    assert isinstance(task.exception(), RuntimeError)


async def test_a_tree_that_is_made_later_is_watched(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running(Shop(make_tree), sandbox):
        await sandbox.invoke("buy", options={"what": "bread"}, timeout=0.01)
        panel = await sandbox.invoke("panel")
        await sandbox.click(panel, "buy", timeout=0.01)
        await sandbox.wait_until(lambda: "in the tree" in str(shown(sandbox)) and "in the view" in str(shown(sandbox)))
    cards = shown(sandbox)
    [card] = [card for card in cards if "in the tree" in card]
    assert "/buy" in card
    assert "bread" in card
    assert len([card for card in cards if "in the view" in card]) == 1


async def test_the_exception_that_ends_a_client_is_shown(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    class Broken(Shop):
        async def setup_hook(self) -> None:
            await super().setup_hook()
            raise RuntimeError("no database")

    with pytest.raises(RuntimeError) as raised:
        async with Broken() as client:
            await client.start(sandbox.bot_token)
    [card] = [card for card in shown(sandbox) if "no database" in card]
    assert "the bot ends with this exception" in card
    frames = [entry.frame.code.path for entry in raised.traceback]
    assert not [path for path in frames if "statsbot_webhooks" in str(path) and "tests" not in str(path)]


async def test_members_alone_are_shown_for_a_client_that_sends_its_errors_itself(
    sandbox: Sandbox, env: pytest.MonkeyPatch
) -> None:
    class ByHand(Shop):
        async def setup_hook(self) -> None:
            self.webhooks = setup_webhook_logging()
            await self.webhooks.start()
            assert integrate_with_member_events(self)
            assert integrate_with_member_events(self)

    client = ByHand()
    async with running(client, sandbox):
        newcomer = sandbox.join("newcomer")
        await sandbox.wait_until(lambda: "newcomer" in str(shown(sandbox, "member_events")))
        sandbox.leave(newcomer)
        await sandbox.wait_until(lambda: "left" in str(shown(sandbox, "member_events")).lower())
    remove_integrations()
    await client.webhooks.stop()
    assert "dispatch" not in vars(client)
    assert len(shown(sandbox, "member_events")) == 2


async def test_what_is_no_client_is_said() -> None:
    with pytest.raises(TypeError, match=r"a discord\.Client is wanted"):
        await watch_client(object())  # type: ignore[arg-type]


async def test_buttons_are_only_where_a_bot_with_the_extension_answers(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_ERROR_URL", sandbox.webhook_url("error", owned=True))
    log = logging.getLogger("shop")
    async with running(Shop(), sandbox), running_bot(sandbox) as bot:
        log.error("with a bot")
        await sandbox.wait_until(lambda: any(message.raw["components"] for message in sandbox.messages("error")))
        await bot.unload_extension("statsbot_webhooks")
        log.error("without one")
        await sandbox.wait_until(lambda: len(sandbox.messages("error")) == 2)
    assert [bool(message.raw["components"]) for message in sandbox.messages("error")] == [True, False]
