"""One process, several parts: code that sets up logging, an extension and two bots share one manager; each record once."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import queue

import pytest
from discord.ext import commands

from statsbot_webhooks import LogLevel, WebhookLogHandler, get_webhook_manager, setup_webhook_logging
from statsbot_webhooks.sandbox import Sandbox

from .conftest import new_bot, online, running_bot


def shown(sandbox: Sandbox, *names: str) -> str:
    return "\n".join(message.text for name in names for message in sandbox.messages(name)).replace("\\", "")


@pytest.mark.parametrize("is_started", [False, True])
async def test_an_extension_uses_the_manager_that_code_has_set_up(
    sandbox: Sandbox, env: pytest.MonkeyPatch, is_started: bool
) -> None:
    manager = setup_webhook_logging()
    if is_started:
        await manager.start()
    await manager.send_log(LogLevel.INFO, "ONE before the extension")
    async with running_bot(sandbox) as bot:
        assert bot.cogs["Webhooks"].manager is manager is get_webhook_manager() is setup_webhook_logging()
        await manager.send_log(LogLevel.INFO, "TWO through the manager")
        logging.getLogger("app").error("THREE a record")
        await manager.flush(10)
    text = shown(sandbox, "error", "info")
    assert [text.count(word) for word in ("ONE", "TWO", "THREE")] == [1, 1, 1]
    assert not manager.is_running
    # After the end it waits for the next start.
    await manager.send_log(LogLevel.INFO, "FOUR after the bot")
    await manager.start()
    await manager.stop(5)
    assert shown(sandbox, "info").count("FOUR") == 1


async def test_a_manager_that_code_has_started_outlives_the_extension(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    manager = setup_webhook_logging()
    await manager.start()
    try:
        async with running_bot(sandbox) as bot:
            await bot.unload_extension("statsbot_webhooks")
            assert manager.is_running
            await manager.send_log(LogLevel.INFO, "without the extension")
            await sandbox.wait_until(lambda: "without the extension" in shown(sandbox, "info"))
    finally:
        await manager.stop(5)


@pytest.mark.slow
async def test_two_bots_share_a_manager_and_the_second_goes_on_alone(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    second = new_bot(commands.Bot)
    second.command_prefix = "?"

    @second.command()
    async def boom(ctx: commands.Context[commands.Bot]) -> None:
        raise ValueError("boom of the second bot")

    async with second:
        async with running_bot(sandbox) as first:
            await second.load_extension("statsbot_webhooks")
            manager = first.cogs["Webhooks"].manager
            assert second.cogs["Webhooks"].manager is manager
            closing = online(second, sandbox)
            await closing.__aenter__()
            logging.getLogger("app").error("one record")
            sandbox.say("?boom")
            await sandbox.wait_until(lambda: "boom of the second bot" in shown(sandbox, "error"))
            await manager.flush(10)
            text = shown(sandbox, "error")
            assert text.count("one record") == 1
            assert text.count("in ?boom") + text.count("Ignoring exception in command boom") == 1
            # The card of a command says which bot it is.
            assert second.user is not None
            assert any(
                second.user.name in str(message.embeds) for message in sandbox.messages("error") if "?boom" in message.text
            )
        assert manager.is_running
        logging.getLogger("app").error("after the first bot has closed")
        await sandbox.wait_until(lambda: "after the first bot has closed" in shown(sandbox, "error"))
        await closing.__aexit__(None, None, None)
    await asyncio.sleep(0)
    assert not manager.is_running
    assert shown(sandbox, "error").count("after the first bot has closed") == 1


async def test_a_handler_by_hand_beside_the_extension_shows_each_record_once(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    logger, apart = logging.getLogger("app"), logging.getLogger("apart")
    by_hand, through_queue = WebhookLogHandler(), logging.handlers.QueueHandler(queue.Queue())
    listener = logging.handlers.QueueListener(through_queue.queue, WebhookLogHandler())
    apart.propagate = False
    for each in (logger, apart):
        each.addHandler(by_hand)
    logger.addHandler(through_queue)
    try:
        async with running_bot(sandbox) as bot:
            manager = bot.cogs["Webhooks"].manager
            before = (await manager.stats()).accepted
            listener.start()
            for number in range(3):
                logger.error("record %d;", number)
            # What the extension does not capture is shown by the handler: of a logger that reaches no root, and by itself.
            apart.error("record 3;")
            by_hand.handle(logging.makeLogRecord({"name": "app", "levelno": logging.ERROR, "msg": "record 4;"}))
            listener.stop()
            await manager.flush(10)
            assert (await manager.stats()).accepted == before + 5
    finally:
        apart.propagate = True
        for each in (logger, apart):
            each.removeHandler(by_hand)
        logger.removeHandler(through_queue)
    text = shown(sandbox, "error")
    assert [text.count(f"record {number};") for number in range(5)] == [1] * 5
