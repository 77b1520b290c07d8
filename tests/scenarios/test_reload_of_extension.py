"""The extension is unloaded and loaded again while things happen: what happens meanwhile arrives, and no hook is left."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from itertools import chain, starmap

import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot
from .test_reload import is_on_its_way, note, ours, shown, steady, works


@pytest.mark.real_time
@pytest.mark.slow
async def test_the_hooks_stay_while_the_extension_drains(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with running_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        await works(sandbox, manager)
        with steady(logging.getLogger("load"), 20) as logged:
            sandbox.fault("info", "no_answer", delay=60)
            manager.submit(note("hangs"))
            await is_on_its_way(manager, "info")
            await bot.unload_extension("statsbot_webhooks")
            count = len(logged)
        sandbox.heal("info")
        await bot.load_extension("statsbot_webhooks")
        logging.getLogger("load").warning("the end")
        await sandbox.wait_until(lambda: "the end" in shown(sandbox, "error"), 40)
        text = shown(sandbox, "error")
    # The drain takes seconds; without hooks the storage is closed, in a fraction of one.
    assert count > 100
    missing = [number for number in range(count) if f"steady {number};" not in text]
    assert missing == list(range(count - len(missing), count))
    assert len(missing) <= 10


@pytest.mark.slow
@pytest.mark.real_time
async def test_what_happens_while_the_extension_is_loaded_again_arrives(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """A thread logs and the loop fails all the while, also when the old manager has ended and the new one is made."""
    # While something happens all the time, the drain takes the whole of its time.
    env.setattr("statsbot_webhooks.integration.bot_capture._DRAIN_SECONDS", 0.2)
    # The files of the errors would name the records before them, and each is to be there once.
    env.setenv("WEBHOOK_BREADCRUMBS", "0")
    failed = 0

    async def fail(bot: commands.Bot) -> None:
        nonlocal failed
        while True:
            bot.dispatch("shop", failed)
            failed += 1
            await asyncio.sleep(0.02)

    async with running_bot(sandbox) as bot:

        @bot.event
        async def on_shop(number: int) -> None:
            raise LookupError(f"shop {number};")

        await works(sandbox, bot.cogs["Webhooks"].manager)
        with steady(logging.getLogger("load"), 100) as logged:
            failing = asyncio.create_task(fail(bot))
            await bot.reload_extension("statsbot_webhooks")
            failing.cancel()
        for last in (f"steady {len(logged) - 1};", f"shop {failed - 1};"):
            await sandbox.wait_until(lambda last=last: last in shown(sandbox, "error"), 30)
        # What the manager before had claimed may come after the last.
        await bot.cogs["Webhooks"].manager.flush(30)
        messages = [m.text + "".join(file.text for file in m.attachments) for m in sandbox.messages("error")]
    # A summary and its file may both show a text.
    assert [number for number in logged if sum(f"steady {number};" in text for text in messages) != 1] == []
    assert [number for number in range(failed) if not any(f"shop {number};" in text for text in messages)] == []
    assert "filter" not in vars(logging.Logger)


async def test_hooks_that_no_load_takes_over_are_undone(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    # Longer than the reload takes on a busy machine; while all waits, time goes quickly.
    env.setattr("statsbot_webhooks.cog._RELOAD_SECONDS", 5.0)

    async def fail(*_: object) -> None:
        raise RuntimeError("it does not load")

    async with running_bot(sandbox) as bot:
        # What discord.py loads again when the new one fails: neither of them loads.
        env.setattr(sys.modules["statsbot_webhooks"], "setup", fail)
        env.setattr(bot, "_load_from_module_spec", fail)
        with pytest.raises(RuntimeError):
            await bot.reload_extension("statsbot_webhooks")
        assert "filter" in vars(logging.Logger)
        await sandbox.wait_until(lambda: "filter" not in vars(logging.Logger) and ours() == ([], []))


@pytest.mark.slow
async def test_nothing_holds_what_was_loaded_before(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """Hooks of before must not stand below those of now: each record would go through one more, and each load stay in memory."""
    env.setattr("statsbot_webhooks.integration.bot_capture._DRAIN_SECONDS", 0.2)
    counts: list[int] = []
    async with running_bot(sandbox) as bot:
        # A thread keeps the hook for its exceptions that it finds when it begins.
        with steady(logging.getLogger("load"), 100):
            for _ in range(4):
                await bot.reload_extension("statsbot_webhooks")
                gc.collect()
                # In one call in C: a list of all objects breaks the tuples that other threads are making.
                kinds = list(map(type, chain.from_iterable(starmap(gc.get_objects, ((),)))))
                counts.append(sum(kind.__name__ == "WebhookManager" for kind in kinds))
    assert counts == counts[:1] * 4
