"""A forum with a post for each error: its tags say the state, and a resolved one is closed until the error comes back."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from statsbot_webhooks.sandbox import Sandbox

from ..commands.test_commands import call, steered_bot

_log = logging.getLogger("shop")


def post(sandbox: Sandbox) -> dict[str, Any]:
    (found,) = sandbox.state.guilds[sandbox.guild_id].threads.values()
    return found


def tags(sandbox: Sandbox) -> list[str]:
    guild = sandbox.state.guilds[sandbox.guild_id]
    forum = guild.channels[int(post(sandbox)["parent_id"])]
    names = {tag["id"]: tag["name"] for tag in forum["available_tags"]}
    return [names[each] for each in post(sandbox)["applied_tags"]]


def is_closed(sandbox: Sandbox) -> bool:
    return post(sandbox)["thread_metadata"]["archived"]


@pytest.fixture
def forum(sandbox: Sandbox, env: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> pytest.MonkeyPatch:
    sandbox.add_channel("reports", forum=True, tags=getattr(request, "param", ["Open", "acknowledged", "Resolved", "shop"]))
    env.setenv("WEBHOOK_ERROR_URL", sandbox.webhook_url("reports", "reports", owned=True))
    env.setenv("WEBHOOK_ERROR_THREAD_NAME", "Errors")
    env.setenv("WEBHOOK_ERROR_THREAD_MODE", "error")
    env.setenv("WEBHOOK_ERROR_TAGS", "shop")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.1")
    return env


@pytest.mark.slow
async def test_the_life_of_a_post(sandbox: Sandbox, forum: pytest.MonkeyPatch) -> None:
    sandbox.allow("manage_threads")
    forum.setenv("WEBHOOK_BOT_VERSION", "1.1")
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        await sandbox.wait_until(lambda: sandbox.state.guilds[sandbox.guild_id].threads)
        assert tags(sandbox) == ["shop", "Open"]
        (issue,) = await bot.cogs["Webhooks"].manager.admin.list_issues()
        await call(sandbox, "about", issue=issue.reference, decision="acknowledge")
        await sandbox.wait_until(lambda: tags(sandbox) == ["acknowledged", "shop"])
        await call(sandbox, "about", issue=issue.reference, decision="resolve")
        await sandbox.wait_until(lambda: tags(sandbox) == ["Resolved", "shop"] and is_closed(sandbox))
        shown = sandbox.state.messages[int(post(sandbox)["id"])]
        assert "Resolved in 1.1 by olivia" in shown[0]["content"], "before it was closed"
        await call(sandbox, "about", issue=issue.reference, decision="reopen")
        await sandbox.wait_until(lambda: tags(sandbox) == ["Open", "shop"] and not is_closed(sandbox))
        await sandbox.wait_until(lambda: "Opened again by olivia" in shown[0]["content"])
        await call(sandbox, "about", issue=issue.reference, decision="resolve")
        await sandbox.wait_until(lambda: is_closed(sandbox))
    forum.setenv("WEBHOOK_BOT_VERSION", "1.2")
    async with steered_bot(sandbox):
        _log.error("it failed")
        await sandbox.wait_until(lambda: len(sandbox.state.messages[int(post(sandbox)["id"])]) == 2)
        await sandbox.wait_until(lambda: tags(sandbox) == ["Open", "shop"] and not is_closed(sandbox))


@pytest.mark.slow
async def test_the_next_process_changes_a_post_that_could_not_be_changed(sandbox: Sandbox, forum: pytest.MonkeyPatch) -> None:
    sandbox.forbid("manage_threads")
    async with steered_bot(sandbox) as bot:
        for text in ("it failed", "another went wrong"):
            _log.error(text)
        await sandbox.wait_until(lambda: len(sandbox.state.guilds[sandbox.guild_id].threads) == 2)
        issue, _ = await bot.cogs["Webhooks"].manager.admin.list_issues()
        await call(sandbox, "about", issue=issue.reference, decision="resolve")
    sandbox.allow("manage_threads")

    def closed() -> list[bool]:
        return [thread["thread_metadata"]["archived"] for thread in sandbox.state.guilds[sandbox.guild_id].threads.values()]

    def edits() -> int:
        return sum(request.method == "PATCH" and "/channels/" in request.path for request in sandbox.requests)

    async with steered_bot(sandbox):
        await sandbox.wait_until(lambda: sorted(closed()) == [False, True])
    before = edits()
    async with steered_bot(sandbox) as bot:
        await bot.cogs["Webhooks"].manager.flush(10)
        await asyncio.sleep(30)
        # It is as it should be, so nothing is changed again.
        assert edits() == before


@pytest.mark.parametrize("forum", [["shop"]], indirect=True)
async def test_no_tag_is_made(sandbox: Sandbox, forum: pytest.MonkeyPatch) -> None:
    sandbox.allow("manage_threads")
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        await sandbox.wait_until(lambda: sandbox.state.guilds[sandbox.guild_id].threads)
        (issue,) = await bot.cogs["Webhooks"].manager.admin.list_issues()
        await call(sandbox, "about", issue=issue.reference, decision="resolve")
        await sandbox.wait_until(lambda: is_closed(sandbox))
        assert tags(sandbox) == ["shop"]
        forum_channel = sandbox.state.guilds[sandbox.guild_id].channels[int(post(sandbox)["parent_id"])]
        assert [tag["name"] for tag in forum_channel["available_tags"]] == ["shop"]


@pytest.mark.slow
async def test_a_bot_that_may_not_says_so_once(
    sandbox: Sandbox, forum: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.forbid("manage_threads")
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        await sandbox.wait_until(lambda: sandbox.state.guilds[sandbox.guild_id].threads)
        (issue,) = await bot.cogs["Webhooks"].manager.admin.list_issues()
        for decision in ("resolve", "reopen", "resolve"):
            await call(sandbox, "about", issue=issue.reference, decision=decision)
            await bot.cogs["Webhooks"].manager.flush(5)
        await sandbox.wait_until(lambda: "cannot be tagged or closed" in caplog.text)
        assert not is_closed(sandbox)
        for decision in ("reopen", "resolve"):
            await call(sandbox, "about", issue=issue.reference, decision=decision)
        await asyncio.sleep(1)
        assert caplog.text.count("cannot be tagged or closed") == 1
        # Once it may, it does; and what goes wrong later is told again.
        sandbox.allow("manage_threads")
        await sandbox.wait_until(lambda: is_closed(sandbox) and tags(sandbox) == ["Resolved", "shop"], 600)
        sandbox.forbid("manage_threads")
        await call(sandbox, "about", issue=issue.reference, decision="reopen")
        await sandbox.wait_until(lambda: caplog.text.count("cannot be tagged or closed") == 2, 600)
