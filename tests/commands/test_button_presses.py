"""Buttons on cards, pressed in the sandbox: what each does, who may, and what becomes of those that are not genuine."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from statsbot_webhooks.capture.health.alert_event import alert_event
from statsbot_webhooks.capture.health.alerts import Alerts, Threshold
from statsbot_webhooks.commands.base import REFUSAL
from statsbot_webhooks.events.colors import GREEN
from statsbot_webhooks.events.event import EventFile
from statsbot_webhooks.sandbox import InteractionResult, Message, Sandbox

from ..conftest import NAMES
from .test_commands import steered_bot

_log = logging.getLogger("shop")


@pytest.fixture
def owned(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The four webhooks as `/webhooks setup` makes them, owned by the bot's application. It comes before `env`."""
    monkeypatch.setenv("WEBHOOK_CARD_EDIT_SECONDS", "0.1")
    for name in NAMES:
        sandbox.webhook_url(name, owned=True)


def labels(message: Message) -> list[str]:
    return [item["label"] for row in message.raw["components"] for item in row["components"]]


def card(sandbox: Sandbox, text: str = "failed") -> Message:
    """The newest message of the error channel that says so."""
    return next(message for message in reversed(sandbox.messages("error")) if text in message.text)


async def posted(sandbox: Sandbox, text: str = "failed") -> Message:
    """The card when it is there, with its buttons."""
    await sandbox.wait_until(lambda: any(text in each.text and each.raw["components"] for each in sandbox.messages("error")))
    return card(sandbox, text)


def custom_id(message: Message, label: str) -> str:
    return next(item["custom_id"] for row in message.raw["components"] for item in row["components"] if item["label"] == label)


async def press(sandbox: Sandbox, message: Message, label: str, **how: int) -> InteractionResult:
    """Let a user press a button, and wait for the answer, which only the presser sees."""
    wanted = custom_id(message, label)
    # A client that has not been told of the newest state shows the old buttons.
    is_old = wanted not in str(next(each for each in sandbox.messages("error") if each.id == message.id).raw["components"])
    result = await sandbox.click(message, wanted, forged=is_old, **how)
    await sandbox.wait_until(lambda: sandbox.look(result).ephemeral)
    return sandbox.look(result)


async def says(sandbox: Sandbox, note: str, buttons: list[str]) -> None:
    """The card gets this line above it and these buttons."""
    await sandbox.wait_until(lambda: re.search(note, card(sandbox).content) and labels(card(sandbox)) == buttons)


async def test_the_life_of_an_issue_by_its_buttons(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        _log.error("order %d failed", 1)
        shown = await posted(sandbox)
        assert labels(shown) == ["Resolve", "Acknowledge", "Mute 1 h", "Mute until it is worse"]
        answer = await press(sandbox, shown, "Acknowledge")
        assert re.search(r"\*\*E-[0-9A-F]{4}\*\* is acknowledged by olivia, <t:\d+:t>\.", answer.text)
        await says(sandbox, r"\*\*Acknowledged by olivia, <t:\d+:t>\*\*", ["Resolve", "Mute 1 h", "Mute until it is worse"])
        # The other client still shows the old buttons.
        assert "is already acknowledged by olivia" in (await press(sandbox, shown, "Acknowledge", user_id=sandbox.admin_id)).text
        assert "is resolved by ada" in (await press(sandbox, shown, "Resolve", user_id=sandbox.admin_id)).text
        await says(sandbox, "Resolved by ada", ["Reopen"])
        await sandbox.wait_until(lambda: card(sandbox).embeds[0]["color"] == GREEN)
        await press(sandbox, card(sandbox), "Reopen")
        await says(sandbox, "Opened again by olivia", ["Resolve", "Acknowledge", "Mute 1 h", "Mute until it is worse"])
        await sandbox.wait_until(lambda: "olivia made E-" in "".join(message.text for message in sandbox.messages("info")))
        assert len([message for message in sandbox.messages("error") if message.raw["components"]]) == 1


async def test_what_a_press_changes_pings_nobody(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        _log.error("order %d failed", 1)
        shown = await posted(sandbox)
        before = len(sandbox.requests)
        await press(sandbox, shown, "Acknowledge")
        await sandbox.wait_until(lambda: "Acknowledged by" in card(sandbox).content)
        changes = [request for request in sandbox.requests[before:] if request.method in ("PATCH", "POST")]
    assert changes
    assert all(request.payload["allowed_mentions"]["parse"] == [] for request in changes if "allowed_mentions" in request.payload)
    assert all("allowed_mentions" in request.payload for request in changes if "content" in request.payload)


async def test_mutes_by_buttons(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        for _ in range(3):
            _log.error("it failed")
        shown = await posted(sandbox)
        await sandbox.wait_until(lambda: "×3" in card(sandbox).text)
        assert "is muted until <t:" in (await press(sandbox, shown, "Mute 1 h")).text
        await says(sandbox, r"Muted until <t:\d+:f> by olivia", ["Resolve", "Acknowledge", "End the mute"])
        assert "is already muted by olivia, until <t:" in (await press(sandbox, shown, "Mute until it is worse")).text
        _log.error("it failed")
        await manager.flush(5)
        assert (await manager.stats()).muted == 1
        assert "1 event was muted" in (await press(sandbox, card(sandbox), "End the mute")).text
        await says(sandbox, "", ["Resolve", "Acknowledge", "Mute 1 h", "Mute until it is worse"])
        # Ten times the four of the last hour.
        answer = await press(sandbox, card(sandbox), "Mute until it is worse")
        assert "until more than 40 come within an hour" in answer.text
        await says(sandbox, "Muted until more than 40 come within an hour by olivia", ["Resolve", "Acknowledge", "End the mute"])
        await press(sandbox, card(sandbox), "Resolve")
        await says(sandbox, r"\A\*\*Resolved by olivia, <t:\d+:t>\*\*", ["Reopen"])


@pytest.mark.parametrize("restart", ["restart", "reload"])
async def test_buttons_outlive_the_bot(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch, restart: str) -> None:
    async with steered_bot(sandbox) as bot:
        _log.error("it failed")
        shown = await posted(sandbox)
        if restart == "reload":
            await bot.unload_extension("statsbot_webhooks")
            unheard = await sandbox.click(shown, custom_id(shown, "Resolve"), timeout=0.2)
            assert not unheard.acknowledged, "nothing of ours is left there"
            await bot.load_extension("statsbot_webhooks")
            assert "is resolved by olivia" in (await press(sandbox, shown, "Resolve")).text
            await says(sandbox, "Resolved by olivia", ["Reopen"])
    if restart == "restart":
        async with steered_bot(sandbox):
            assert "is resolved by olivia" in (await press(sandbox, shown, "Resolve")).text
            await says(sandbox, "Resolved by olivia", ["Reopen"])


async def test_a_card_that_is_not_kept_up_to_date_any_more(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    """After a week, or behind 500 others: the answer to the press changes the message."""
    async with steered_bot(sandbox):
        _log.error("it failed")
        shown = await posted(sandbox)
    with closing(sqlite3.connect("statsbot_webhooks.sqlite3")) as file, file:
        file.execute("DELETE FROM state WHERE key LIKE 'card/%'")
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        assert "is resolved by olivia" in (await press(sandbox, shown, "Resolve")).text
        await says(sandbox, "Resolved by olivia", ["Reopen"])
        assert card(sandbox).embeds == shown.embeds
        # Of an issue that is forgotten nothing can be done, and the buttons go.
        await manager._intake.run(manager.admin.overrides.issues.forget, lambda _: True)
        assert "not known any more" in (await press(sandbox, card(sandbox), "Reopen")).text
        await sandbox.wait_until(lambda: not card(sandbox).raw["components"])


@pytest.mark.slow
async def test_only_where_they_can_be_pressed(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        _log.error("it failed")
        await sandbox.wait_until(lambda: sandbox.messages("error"))
    assert not card(sandbox).raw["components"], "the webhook was made by hand"
    env.setenv("WEBHOOK_ERROR_URL", sandbox.webhook_url("owned", "errors", owned=True))
    env.setenv("WEBHOOK_BUTTONS", "off")
    async with steered_bot(sandbox):
        _log.error("another thing failed")
        await sandbox.wait_until(lambda: "another thing" in card(sandbox).text)
    assert not card(sandbox, "another thing").raw["components"]
    env.setenv("WEBHOOK_BUTTONS", "Auto")
    async with steered_bot(sandbox):
        _log.error("a third thing failed")
        assert labels(await posted(sandbox, "a third thing"))


async def test_names_are_hidden_where_they_are_masked(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_MASK_USER_IDS", "true")
    async with steered_bot(sandbox):
        _log.error("it failed")
        answer = await press(sandbox, await posted(sandbox), "Acknowledge")
        assert re.search(r"acknowledged by user-[0-9a-f]{6}", answer.text)
        await says(sandbox, r"Acknowledged by user-[0-9a-f]{6}", ["Resolve", "Mute 1 h", "Mute until it is worse"])
        await press(sandbox, card(sandbox), "Mute 1 h")
        await says(sandbox, r"Muted until .* by user-[0-9a-f]{6}", ["Resolve", "End the mute"])
    assert not any("olivia" in message.text for name in NAMES for message in sandbox.messages(name))


async def member_card(sandbox: Sandbox, title: str) -> Message:
    await sandbox.wait_until(lambda: any(title in message.text for message in sandbox.messages("member_events")))
    return next(message for message in sandbox.messages("member_events") if title in message.text)


async def test_a_raid_is_slowed_down_by_a_button(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_RAID_JOINS", "2")
    keeper = sandbox.join("kim", role_ids=[(role := sandbox.add_role("Keepers"))])
    env.setenv("WEBHOOK_ADMIN_ROLE_IDS", str(role))
    async with steered_bot(sandbox):
        sandbox.allow("manage_guild")
        for number in range(4):
            sandbox.join(f"raider{number}", account_age_days=1)
        shown = await member_card(sandbox, "Raid going on")
        assert labels(shown) == ["Pause invites 1 h"]
        wanted = custom_id(shown, "Pause invites 1 h")

        async def pause(user_id: int) -> str:
            result = await sandbox.click(shown, wanted, user_id=user_id, forged=True)
            await sandbox.wait_until(lambda: sandbox.look(result).ephemeral)
            return sandbox.look(result).text

        # They may use the commands, and do not manage the server.
        assert "You lack Manage Server in Sandbox" in await pause(keeper)
        assert sandbox.state.guilds[sandbox.guild_id].incidents is None
        sandbox.forbid("manage_guild")
        assert "The bot lacks Manage Server in Sandbox" in await pause(sandbox.owner_id)
        sandbox.allow("manage_guild")
        assert re.search(r"The invites of \*\*Sandbox\*\* are paused until <t:\d+:t>", await pause(sandbox.owner_id))
        incidents: Any = sandbox.state.guilds[sandbox.guild_id].incidents
        until = incidents["invites_disabled_until"]
        assert 3500 < datetime.fromisoformat(until).timestamp() - time.time() <= 3600
        assert "Already paused by olivia until" in await pause(sandbox.admin_id)
        shown = next(message for message in sandbox.messages("member_events") if "Raid going on" in message.text)
        assert re.search(r"Invites paused until <t:\d+:t> by olivia", shown.content)
        assert labels(shown) == []
        assert shown.attachments, "the list is still there"


async def test_no_button_for_what_the_bot_may_not_do(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_RAID_JOINS", "2")
    sandbox.forbid("manage_guild")
    async with steered_bot(sandbox):
        for number in range(4):
            sandbox.join(f"raider{number}", account_age_days=1)
        assert labels(await member_card(sandbox, "Raid going on")) == []


async def test_an_alert_is_acknowledged(owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    env.setenv("WEBHOOK_SAMPLE_INTERVAL_SECONDS", "86400")
    alerts, limits = Alerts(0), {"cpu_percent": Threshold(80, 95)}
    async with steered_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager

        def measure(seconds: float, value: float) -> None:
            for alert in alerts.judge(time.time() + seconds, {"cpu_percent": value}, limits):
                chart = (EventFile("chart.png", data=b"\x89PNG"),)
                manager.submit(replace(alert_event(alert, {}), files=chart))

        measure(0, 90)
        await sandbox.wait_until(lambda: sandbox.messages("performance"))
        (shown,) = sandbox.messages("performance")
        assert labels(shown) == ["Acknowledge"]
        wanted = custom_id(shown, "Acknowledge")
        for text in ("Acknowledged: the card is kept up to date", r"Already acknowledged by olivia, <t:\d+:t>"):
            result = await sandbox.click(shown, wanted, forged=True)
            await sandbox.wait_until(lambda result=result: sandbox.look(result).ephemeral)
            assert re.search(text, sandbox.look(result).text)
        await manager.flush(5)
        (shown,) = sandbox.messages("performance")
        assert re.search(r"\*\*Acknowledged by olivia, <t:\d+:t>\*\*", shown.content)
        assert (labels(shown), [file.filename for file in shown.attachments]) == ([], ["chart.png"])
        measure(61, 97)
        await sandbox.wait_until(lambda: "critical" in sandbox.messages("performance")[0].text)
        assert "Acknowledged by olivia" in sandbox.messages("performance")[0].content
        measure(120, 5)
        measure(180, 5)
        await sandbox.wait_until(lambda: "back to normal" in sandbox.messages("performance")[0].text)
        (shown,) = sandbox.messages("performance")
        assert (shown.content, labels(shown)) == ("", [])


def menu(message: Message) -> dict[str, Any]:
    [row] = message.raw["components"]
    [item] = row["components"]
    return item


async def test_an_issue_of_a_message_of_many_is_chosen_and_decided_about(
    owned: None, sandbox: Sandbox, env: pytest.MonkeyPatch
) -> None:
    async with steered_bot(sandbox):
        # While the first message waits for its answer, the other errors gather for the next.
        sandbox.fault("error", "slow", times=1, delay=3.0)
        for name in ("apples", "pears", "plums", "figs", "quinces"):
            for _ in range(2 if name == "figs" else 1):
                logging.getLogger(name).error("no %s are left", name)
        shown = await posted(sandbox, "quinces")
    # It outlives the bot, as the buttons of cards do.
    async with steered_bot(sandbox):
        item = menu(shown)
        assert (item["type"], item["placeholder"]) == (3, "Act on an issue …")
        # The first error had a message of its own already.
        names = [option["description"].split()[1] for option in item["options"]]
        assert sorted({*names, "apples"}) == ["apples", "figs", "pears", "plums", "quinces"]
        assert "figs" in item["options"][0]["description"], "what came most often is first"
        chosen = next(option for option in item["options"] if "plums" in option["description"])
        answer = await sandbox.click(shown, item["custom_id"], values=[chosen["value"]])
        await sandbox.wait_until(lambda: sandbox.look(answer).ephemeral)
        private = sandbox.look(answer)
        assert private.embeds[0]["title"].startswith(chosen["label"].split()[0])
        buttons = {button["label"]: button["custom_id"] for button in private.message["components"][0]["components"]}
        assert list(buttons) == ["Resolve", "Acknowledge", "Mute 1 h", "Mute until it is worse"]
        done = await sandbox.click(private, buttons["Resolve"])
        await sandbox.wait_until(lambda: "is resolved by olivia" in sandbox.look(done).text)
        again = await sandbox.click(shown, item["custom_id"], values=[chosen["value"]])
        await sandbox.wait_until(lambda: "Resolved by olivia" in sandbox.look(again).text)
        # A member of the server who may not do it sees the menu, and gets the refusal of every command.
        other = await sandbox.click(shown, item["custom_id"], values=[chosen["value"]], user_id=sandbox.join("mia"))
        await sandbox.wait_until(lambda: sandbox.look(other).ephemeral)
        assert sandbox.look(other).text == REFUSAL
        for values in ([chosen["value"]], [], ["0" * 16], ["x", "y"]):
            is_own = values != [chosen["value"]]
            wanted = item["custom_id"] if is_own else f"{item['custom_id'][:-2]}AA"
            forged = await sandbox.click(shown, wanted, values=values, forged=True)
            text = "not known any more" if is_own else "not made by this bot"
            await sandbox.wait_until(lambda forged=forged, text=text: text in sandbox.look(forged).text)


async def test_a_webhook_made_by_hand_has_no_menu(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    async with steered_bot(sandbox):
        for name in ("apples", "pears", "plums", "figs", "quinces"):
            logging.getLogger(name).error("no %s are left", name)
        await sandbox.wait_until(lambda: "quinces" in "".join(message.text for message in sandbox.messages("error")))
        assert not any(message.raw["components"] for message in sandbox.messages("error"))
