"""Components on messages of webhooks: who may have which, how a press reaches the bot, and edits that carry them."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import plain_bot
from .test_rules import client_of

BUTTON: dict[str, Any] = {"type": 2, "style": 3, "label": "Resolve", "custom_id": "resolve"}
LINK: dict[str, Any] = {"type": 2, "style": 5, "label": "Where", "url": "https://example.org"}
MENU: dict[str, Any] = {"type": 3, "custom_id": "m", "options": [{"label": "a", "value": "a"}]}
ROWS = [{"type": 1, "components": [BUTTON, LINK]}, {"type": 1, "components": [MENU]}]


def labels(components: list[dict[str, Any]]) -> list[str]:
    return [item.get("label", "menu") for row in components for item in row["components"]]


@pytest.mark.parametrize(("owned", "kept"), [(True, ["Resolve", "Where", "menu"]), (False, ["Where"])])
async def test_components_that_act_are_dropped_from_webhooks_of_no_application(
    sandbox: Sandbox, owned: bool, kept: list[str]
) -> None:
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, sandbox.webhook_url("cards", owned=owned))
        status, message, _ = await client.post({"content": "x", "components": ROWS})
        assert (status, labels(message["components"])) == (200, kept)
        assert (message.get("application_id") == str(sandbox.bot_id)) is owned
        url = f"{client.url}/messages/{message['id']}"
        status, edited, _ = await client.send("PATCH", url, {"components": ROWS[:1]})
        assert (status, labels(edited["components"])) == (200, [name for name in kept if name != "menu"])
        status, refused, _ = await client.post({"components": [{"type": 1, "components": [BUTTON]}]})
        assert (status, refused.get("code")) == ((200, None) if owned else (400, 50006)), "nothing is left of it"


async def test_a_webhook_that_the_bot_made_carries_a_view(sandbox: Sandbox) -> None:
    """As `/webhooks setup` makes them; pressed by users, answered to the presser, and the message is edited."""
    async with plain_bot(sandbox) as bot:
        channel = bot.guilds[0].text_channels[0]
        made = await channel.create_webhook(name="cards")

        class Card(discord.ui.View):
            @discord.ui.button(label="Resolve", custom_id="resolve")
            async def resolve(self, interaction: discord.Interaction, button: discord.ui.Button[Any]) -> None:
                button.disabled = True
                await interaction.response.edit_message(content=f"resolved by {interaction.user.name}", view=self)
                await interaction.followup.send("done", ephemeral=True)

        webhook = discord.Webhook.partial(made.id, made.token, session=bot.http._HTTPClient__session, client=bot)
        sent = await webhook.send("an error", view=Card(timeout=None), wait=True)
        (shown,) = sandbox.messages("general")
        result = await sandbox.click(shown, "resolve", user_id=sandbox.member_id)
        await sandbox.wait_until(lambda: sandbox.look(result).text == "done")
        assert sandbox.look(result).ephemeral
        (after,) = sandbox.messages("general")
        assert (after.id, after.content, after.webhook_id) == (sent.id, "resolved by mia", made.id)
        with pytest.raises(LookupError, match="disabled"):
            await sandbox.click(after, "resolve")
        await webhook.edit_message(sent.id, content="open again", view=Card(timeout=None))
        assert (await sandbox.click(sandbox.messages("general")[0], "resolve")).updated


@pytest.mark.parametrize(
    ("strict", "name", "status"), [(False, "here", 200), (True, "cogs.where", 400), (True, "Everyone", 400), (True, "bot", 200)]
)
async def test_names_can_be_refused_strictly(strict: bool, name: str, status: int) -> None:
    async with Sandbox(strict_names=strict) as box, aiohttp.ClientSession() as session:
        client = client_of(session, box, box.webhook_url("error"))
        got, said, _ = await client.post({"content": "x", "username": name})
        assert (got, "username" in said.get("errors", {})) == (status, status == 400)
        assert (await client.send("PATCH", client.url, {"name": name}))[0] == status


async def test_threads_behind_a_webhook(sandbox: Sandbox) -> None:
    url, thread = sandbox.webhook_url("error"), sandbox.add_thread("errors", "incident")
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, url)
        query = f"?wait=true&thread_id={thread}"
        _, first, _ = await client.post({"content": "one"}, query=query)
        sandbox.set_thread("incident", archived=True)
        edit = f"{client.url}/messages/{first['id']}?thread_id={thread}"
        assert (await client.send("PATCH", edit, {"content": "two"}))[1]["code"] == 50083
        assert (await client.post({"content": "wakes it"}, query=query))[0] == 200
        assert (await client.send("PATCH", edit, {"content": "two"}))[0] == 200
        sandbox.skip(3)
        sandbox.set_thread("incident", locked=True)
        assert (await client.post({"content": "no"}, query=query))[1]["code"] == 160005
        sandbox.remove_channel("incident")
        status, said, _ = await client.post({"content": "no"}, query=query)
        assert (status, said["code"]) == (404, 10003)


async def test_posts_of_a_forum_behind_a_webhook(sandbox: Sandbox) -> None:
    sandbox.add_channel("incidents", kind="forum", tags=["open"], require_tag=True)
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, sandbox.webhook_url("own", "incidents"))
        assert (await client.post({"content": "x", "thread_name": "a"}))[1]["code"] == 40067
        forum = next(c for c in sandbox.state.guilds[sandbox.guild_id].channels.values() if c["name"] == "incidents")
        tag = forum["available_tags"][0]["id"]
        assert (await client.post({"content": "x", "thread_name": "a", "applied_tags": [tag]}))[0] == 200
        assert (await client.post({"content": "x", "thread_name": "a", "applied_tags": ["1"]}))[1]["code"] == 50035
        sandbox.limit_threads(1)
        assert (await client.post({"content": "x", "thread_name": "b", "applied_tags": [tag]}))[1]["code"] == 160006


async def test_webhooks_are_moved_and_deleted(sandbox: Sandbox) -> None:
    sandbox.add_channel("elsewhere")
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, sandbox.webhook_url("error"))
        sandbox.move_webhook("error", "elsewhere")
        await client.post({"content": "x"})
        assert [message.content for message in sandbox.messages("elsewhere")] == ["x"]
        sandbox.delete_webhook("error")
        assert (await client.post({"content": "x"}))[1]["code"] == 10015


async def test_time_can_be_skipped(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session:
        client = client_of(session, sandbox, sandbox.webhook_url("error"))
        for _ in range(5):
            assert (await client.post({"content": "x"}))[0] == 200
        assert (await client.post({"content": "x"}))[0] == 429
        sandbox.skip(2)
        assert (await client.post({"content": "x"}))[0] == 200
        sandbox.fault("error", "500", seconds=100)
        assert (await client.post({"content": "x"}))[0] == 500
        sandbox.skip(101)
        assert (await client.post({"content": "x"}))[0] == 200
        (*_, before) = sandbox.messages("error")
        sandbox.skip(86400)
        await client.post({"content": "x"})
        (*_, after) = sandbox.messages("error")
        assert (discord.utils.parse_time(after.timestamp) - discord.utils.parse_time(before.timestamp)).total_seconds() > 86399
