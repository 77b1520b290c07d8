"""What the commands do: a drill, levels, mutes, dead letters, the menu of a card, settings that change while running."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import discord
import pytest
from discord.ext import commands

from statsbot_webhooks.pipeline.mutes import Mute, MuteKind
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import NAMES, everything_stored, running_bot
from .test_permissions import MENU, button


@asynccontextmanager
async def steered_bot(sandbox: Sandbox, kind: type[commands.Bot] = commands.Bot) -> AsyncGenerator[commands.Bot]:
    """A bot whose commands Discord knows."""
    async with running_bot(sandbox, kind) as bot:
        await sandbox.wait_until(lambda: sandbox.commands(sandbox.guild_id))
        yield bot


def write_env(*lines: str) -> None:
    Path(".env").write_text("".join(lines))


async def call(sandbox: Sandbox, name: str, /, **options: object) -> str:
    answer = await sandbox.invoke(f"webhooks {name}", options=options, timeout=30)
    assert answer.ephemeral, name
    assert not answer.message.get("pinged"), name
    return answer.text.strip()


def shown(sandbox: Sandbox, channel: str) -> str:
    return "\n".join(message.text for message in sandbox.messages(channel))


async def offered(sandbox: Sandbox, name: str, option: str, typed: str = "", /, **options: object) -> list[str]:
    choices = await sandbox.autocomplete(f"webhooks {name}", option, typed, options=options)
    return [choice["value"] for choice in choices]


async def test_a_drill_shows_one_of_each_card(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    # An alert of a busy machine is none of the drill's.
    for name in (
        "LOOP_LAG_WARNING_MS",
        "LOOP_LAG_CRITICAL_MS",
        "LATENCY_WARNING_MS",
        "LATENCY_CRITICAL_MS",
        "CPU_WARNING_PERCENT",
    ):
        env.setenv(f"WEBHOOK_{name}", "600000")
    async with steered_bot(sandbox):
        answer = await call(sandbox, "drill")
        assert "**error**: 2" in answer
        wanted = {"error": ["a warning", "ZeroDivisionError", "Traceback"], "performance": ["lag"]}
        wanted |= {"info": ["a log record", "The bot is online", "started a drill"]}
        wanted |= {"member_events": ["Member joined", "Member left", "Member banned"]}
        for channel, texts in wanted.items():
            for text in texts:
                await sandbox.wait_until(lambda channel=channel, text=text: text in shown(sandbox, channel))
    for channel in ("error", "performance", "member_events"):
        for message in sandbox.messages(channel):
            assert all("DRILL" in str(embed) for embed in message.embeds), channel
            assert not message.raw["pinged"]
    assert "asked for by olivia" in shown(sandbox, "error")


@pytest.mark.slow
async def test_levels_of_destinations_and_loggers(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("steered.part")
    before = logging.getLogger("steered").level
    async with steered_bot(sandbox) as bot:
        assert "logger/steered.part" in await offered(sandbox, "level", "target", "steered")
        assert "destination/error" in await offered(sandbox, "level", "target", "error")
        logger.debug("not captured")
        logging.getLogger("steered")
        answer = await call(sandbox, "level", target="logger/steered", level="DEBUG")
        assert "captured from DEBUG on" in answer
        assert "Loggers are captured from WARNING on" in await call(sandbox, "level", target="info", level="DEBUG")
        logger.debug("fine detail")
        await sandbox.wait_until(lambda: "fine detail" in shown(sandbox, "info"))
        # A restart changes nothing.
        await bot.reload_extension("statsbot_webhooks")
        await sandbox.wait_until(lambda: logging.getLogger("steered").level == logging.DEBUG)
        logger.debug("after the reload")
        await sandbox.wait_until(lambda: "after the reload" in shown(sandbox, "info"))
        await call(sandbox, "level", target="logger/steered", level="ERROR")
        logger.warning("narrowed away")
        logger.error("still wanted")
        await sandbox.wait_until(lambda: "still wanted" in shown(sandbox, "error"))
        await call(sandbox, "level", target="logger/steered", level="default")
        assert "no destination and no logger" in await call(sandbox, "level", target="nobody", level="INFO")
    assert logging.getLogger("steered").level == before
    assert "not captured" not in shown(sandbox, "info")
    assert "narrowed away" not in shown(sandbox, "error")


@pytest.mark.slow
async def test_mutes_from_the_command_and_from_the_menu_of_a_card(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("noisy")
    async with steered_bot(sandbox) as bot:
        logger.error("it broke")
        await sandbox.wait_until(lambda: "it broke" in shown(sandbox, "error"))
        card = next(message for message in sandbox.messages("error") if "it broke" in message.text)
        menu = await sandbox.context_menu(MENU, card)
        assert "it broke" in menu.text
        pressed = await sandbox.click(menu, button(menu, "Mute 24 h"))
        assert "Fingerprint" in pressed.text
        logger.error("it broke")
        assert [f"fingerprint/{value}" for value in menu.text.split("`")[1::2]] == await offered(sandbox, "unmute", "target")
        await sandbox.wait_until(lambda: "olivia muted fingerprint" in shown(sandbox, "info"))
        assert "1 so far" in await call(sandbox, "status")
        target = (await offered(sandbox, "unmute", "target"))[0]
        assert "1 event was muted (1 ERROR; 1 for error)" in await call(sandbox, "unmute", target=target)
        resolved = await sandbox.click(menu, button(menu, "Resolve"))
        assert "resolved" in resolved.text
        # The one that ends by itself.
        assert "10m" in await offered(sandbox, "mute", "duration")
        assert "is muted until" in await call(sandbox, "mute", target="noisy", duration="2s", reason="deploy @everyone")
        logger.error("unheard")
        await sandbox.wait_until(lambda: "is over after" in shown(sandbox, "error"), 20)
        assert (await bot.cogs["Webhooks"].manager.stats()).balanced
        assert "write 10m" in await call(sandbox, "mute", target="noisy", duration="soon")
        assert "no destination" in await call(sandbox, "mute", target="destination/x", duration="1h")
        assert "is not muted" in await call(sandbox, "unmute", target="noisy")
        # Who did what is shown through every mute.
        await call(sandbox, "mute", target="logger/webhooks", duration="1h")
        await call(sandbox, "mute", target="destination/info", duration="1h")
        await sandbox.wait_until(lambda: "olivia muted destination info" in shown(sandbox, "info"))
        other = sandbox.say("hello")
        stranger = next(message for message in sandbox.messages("general") if message.raw["id"] == str(other))
        assert "not of the bot" in (await sandbox.context_menu(MENU, stranger)).text
    assert "reason: deploy" in shown(sandbox, "error")
    assert "unheard" not in shown(sandbox, "error")
    assert not any(message.raw["pinged"] for name in NAMES for message in sandbox.messages(name))


@pytest.mark.parametrize("mask", ["full", "off"])
async def test_what_an_admin_writes_is_kept_without_secrets_and_persons(
    sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mask: str
) -> None:
    caplog.set_level(logging.INFO, "statsbot_webhooks")
    secret = "x8Kq2LmZ0pR7sT2vB9nK3cW6"
    env.setenv("STRANGE_VALUE", secret)
    env.setenv("WEBHOOK_MASK_LEVEL", mask)
    async with steered_bot(sandbox) as bot:
        caller = sandbox.join("quirinus", admin=True)
        reason = f"{secret} says QUIRINUS of {sandbox.member_id}"

        async def do(name: str, /, **options: str) -> str:
            return (await sandbox.invoke(f"webhooks {name}", user_id=caller, options=options)).text

        answers = [await do("mute", target=target, duration="1h", reason=reason) for target in ("noisy", f"a.{secret}")]
        answers += [await do("status"), await do("unmute", target="noisy"), await do("forget", user="5" * 18, name=secret)]
        manager, runner = bot.cogs["Webhooks"].manager, bot.cogs["Webhooks"]._commands.runner
        # The same by a call of the program, and what any command may answer.
        await manager.admin.mute(Mute(MuteKind.LOGGER, f"b.{secret}", 2e9, 1e9, f"{secret} {caller}", f"<@{caller}> {secret}"))
        embed = discord.Embed(title=secret, description=secret).add_field(name=secret, value=secret).set_footer(text=secret)
        answers.append(repr(runner._clean_embed(embed).to_dict()))
        await manager.flush(10)
        # The choice of the mute itself is written a little later.
        await sandbox.wait_until(lambda: '"target": "b.' in everything_stored())
        stored = everything_stored()
    for text in ("".join(answers), stored, shown(sandbox, "info"), caplog.text):
        assert secret not in text
        assert mask == "off" or not [word for word in ("quirinus", str(caller), str(sandbox.member_id)) if word in text.lower()]


async def test_dead_letters(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        sandbox.fault("error", "400", match="poison")
        logging.getLogger("app").error("poison")
        await sandbox.wait_until(lambda: "kept as a dead letter" in shown(sandbox, "info"))
        assert "poison" in await call(sandbox, "deadletters")
        number = int((await offered(sandbox, "replay", "number"))[0])
        sandbox.heal("error")
        assert "1 dead letter waits for delivery again" in await call(sandbox, "replay", number=number)
        await sandbox.wait_until(lambda: "poison" in shown(sandbox, "error"))
        assert "There is no dead letter 7." in await call(sandbox, "deadletters", action="purge", number=7)
        await sandbox.wait_until(lambda: "olivia sent 1 dead letter again" in shown(sandbox, "info"))


@pytest.mark.slow
async def test_reload_applies_the_file_and_loses_nothing(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        env.delenv(f"WEBHOOK_{name.upper()}_URL")
    secret = sandbox.webhook_url("error").rpartition("/")[2]
    lines = [f"WEBHOOK_{name.upper()}_URL={sandbox.webhook_url(name)}\n" for name in ("error", "info")]
    write_env(*lines)
    logger, stop, count = logging.getLogger("steady"), threading.Event(), 0

    def work() -> None:
        nonlocal count
        while not stop.wait(0.001) and count < 3000:
            count += 1
            logger.warning("steady %d;", count)

    async with steered_bot(sandbox) as bot:
        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert await call(sandbox, "reload") == "Nothing changed."
            lines += [f"WEBHOOK_AUDIT_URL={sandbox.webhook_url('audit')}\n", "WEBHOOK_DESTINATIONS=audit\n"]
            lines += ["WEBHOOK_BATCH_SIZE=7\n", "WEBHOOK_LOG_LEVEL=INFO\n"]
            write_env(*lines)
            applied = await call(sandbox, "reload")
            write_env(*lines, "WEBHOOK_BATCH_SIZE=none\n", "WEBHOOK_X_LEVEL=INFO\nWEBHOOK_X_URL=https://x.example/sEcReT\n")
            refused = await call(sandbox, "reload")
            await sandbox.wait_until(lambda: count > 50, 20)
        finally:
            stop.set()
            await asyncio.to_thread(thread.join)
        manager = bot.cogs["Webhooks"].manager
        assert manager.config.batch_size == 7
        # What waits for a destination that is removed is shown elsewhere.
        await call(sandbox, "toggle", destination="info")
        logging.getLogger("app").info("homeless")
        write_env(*(line for line in lines if "INFO_URL" not in line))
        removed = await call(sandbox, "reload")
        manager = bot.cogs["Webhooks"].manager
        await manager.flush(30)
        stats = await manager.stats()
    assert "destination audit: added" in applied
    assert "WEBHOOK_BATCH_SIZE: 5 → 7" in applied
    assert "destination info: removed" in removed
    assert refused.startswith("Nothing was changed:")
    assert "WEBHOOK_BATCH_SIZE" in refused
    assert "WEBHOOK_X_URL" in refused
    assert "sEcReT" not in refused
    assert secret not in applied + refused + removed
    assert (stats.balanced, stats.lost, stats.pending) == (True, 0, 0)
    arrived = stats.destinations["error"].delivered + stats.destinations["error"].folded
    # Beside the warnings: what waited for info, the homeless record and three records of who did what.
    assert arrived >= count
    assert arrived - count <= 5
    assert count > 50
    everything = shown(sandbox, "error") + "".join(file.text for one in sandbox.messages("error") for file in one.attachments)
    assert "homeless" in everything


async def test_settings_show_sources_and_no_secrets(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    write_env("WEBHOOK_BATCH_SIZE=6\n", "WEBHOOK_BACH_TIMEOUT=1\n")
    env.setenv("WEBHOOK_STORAGE", "sqlite:///mine.sqlite3")
    async with steered_bot(sandbox):
        answer = await call(sandbox, "settings")
        assert "BATCH_SIZE = 6 (.env)" in answer
        assert "STORAGE = sqlite:///mine.sqlite3 (environment)" in answer
        assert "BREAKER_FAILURES = 5 (default)" in answer
        assert "ERROR_URL = set (webhook" in answer
        assert "WEBHOOK_BACH_TIMEOUT is not a setting and has no effect; did you mean WEBHOOK_BATCH_TIMEOUT?" in answer
        assert "WEBHOOK_BATCH_SIZE" in await offered(sandbox, "settings", "name", "batch")
        assert "no such setting" in await call(sandbox, "settings", name="nonsense")
    for name in NAMES:
        assert sandbox.webhook_url(name).rpartition("/")[2] not in answer


async def test_a_failure_is_an_answer(sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        original, manager._outbox.dead_letters = manager._outbox.dead_letters, None
        assert await call(sandbox, "deadletters") == "That failed (TypeError). The bot's log says more."
        manager._outbox.dead_letters = original
        assert "Traceback" in caplog.text


async def test_answers_are_sent_with_no_mentions_allowed(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        before = len(sandbox.requests)
        await call(sandbox, "status")
        await call(sandbox, "unmute", target=f"<@{sandbox.owner_id}> @everyone")
        answers = [each for each in sandbox.requests[before:] if f"/webhooks/{bot.application_id}/" in each.path]
    assert len(answers) >= 2
    assert all(answer.payload["allowed_mentions"]["parse"] == [] for answer in answers)


async def test_status_says_how_often_each_rule_redacted_something(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        assert "Redacted" not in await call(sandbox, "status")
        logging.getLogger("shop").error("refused: %s", f"ghp_{'x1Y2z3a4B5' * 4}, password=hunter2-x, password=hunter2-y")
        await sandbox.wait_until(lambda: "refused" in shown(sandbox, "error"))
        assert "password 2, github token 1" in await call(sandbox, "status")
        # New settings are no new process.
        await call(sandbox, "reload")
        assert "password 2, github token 1" in await call(sandbox, "status")


async def test_a_drill_does_not_name_the_admin_where_names_are_hidden(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_MASK_USER_IDS", "true")
    async with steered_bot(sandbox):
        await call(sandbox, "drill")
        await sandbox.wait_until(lambda: "started a drill" in shown(sandbox, "info"))
        await sandbox.wait_until(lambda: "nothing happened" in shown(sandbox, "error"))
    seen = "".join(shown(sandbox, name) for name in ("error", "info", "performance", "member_events"))
    assert "asked for by user-" in seen
    assert "olivia" not in seen
    assert "olivia" not in everything_stored()
