"""A person who only has the page uses a bot: writes, calls commands, presses, fills in forms, breaks things."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import statsbot_webhooks
from statsbot_webhooks.cli.local_bot import end_bot, start_bot
from statsbot_webhooks.sandbox import Sandbox

from .browser import Tab, has_browser, tab_on

BOT = Path(__file__).parents[2] / "examples" / "sample_bot" / "shop_bot.py"
DEMO = Path(statsbot_webhooks.__file__).parent / "cli" / "demo_bot.py"
# The bot and the browser go by the machine's clock.
pytestmark = [pytest.mark.slow, pytest.mark.real_time, has_browser]


@pytest.fixture
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Sandbox]:
    """A sandbox with the sample bot in it, in a process of its own."""
    async with Sandbox() as box:
        more = {"WEBHOOK_BATCH_TIMEOUT": "0.2", "WEBHOOK_LOG_LEVEL": "INFO", "WEBHOOK_BREAKER_COOLDOWN_SECONDS": "3"}
        with (tmp_path / "bot.log").open("wb") as log:
            bot = await start_bot(box, getattr(request, "param", BOT), more, str(tmp_path), log, storage=tmp_path / "own.sqlite3")
            try:
                await box.wait_until(lambda: box.commands() and box.connections, 30)
                yield box
            finally:
                await end_bot(bot)


@pytest.fixture
async def page(browser: str, shop: Sandbox) -> AsyncGenerator[Tab]:
    async with tab_on(browser, shop.base_url) as tab:
        await tab.open("/#channel=general")
        yield tab


async def write(tab: Tab, text: str) -> None:
    """Type as a person does: into the message box, letter by letter."""
    await tab.js("document.querySelector('.composer textarea').focus()")
    await tab.call("Input.insertText", text=text)


async def key(tab: Tab, name: str) -> None:
    codes = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40}
    text = {"text": "\r"} if name == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name], **text)


async def choose(tab: Tab, text: str) -> None:
    """Press the button of that text in the dialog that is open."""
    find = f"[...document.querySelectorAll('dialog[open] button')].find((b) => b.textContent.startsWith({json.dumps(text)}))"
    await tab.until(find + " !== undefined")
    await tab.js(find + ".click()")


async def fill(tab: Tab, selector: str, text: str) -> None:
    await tab.until(f"document.querySelector({json.dumps(selector)}) !== null")
    await tab.js(f"document.querySelector({json.dumps(selector)}).select()")
    await tab.call("Input.insertText", text=text)


@pytest.mark.parametrize("shop", [DEMO], indirect=True)
async def test_a_person_decides_about_a_card_of_a_webhook(page: Tab, shop: Sandbox) -> None:
    shop.say("!divide 0")
    await shop.wait_until(lambda: any(message.raw["components"] for message in shop.messages("error")))
    await page.open("/#channel=errors")
    find = "[...document.querySelectorAll('.press')].find((one) => one.textContent === 'Acknowledge')"
    await page.until(f"{find} !== undefined")
    await page.js(f"{find}.click()")
    await page.until("document.querySelector('.private') !== null")
    assert "acknowledged by olivia" in (await page.texts(".private"))[0]
    await page.until(
        "[...document.querySelectorAll('.text')].some((one) => one.textContent.startsWith('Acknowledged by olivia'))"
    )


async def test_a_person_uses_a_bot_through_the_page_alone(page: Tab, shop: Sandbox) -> None:
    # A prefix command; the bot reacts to it.
    await write(page, "!note hello")
    await key(page, "Enter")
    await page.until("document.querySelector('.reaction')?.textContent === '📝1'")
    # A slash command with completion, of its name, its option, and what the bot offers for it.
    await write(page, "/pr")
    await page.until("document.querySelector('.choice')?.textContent.startsWith('/price')")
    await key(page, "Tab")
    await page.until("document.querySelector('.choice')?.textContent.startsWith('item:')")
    await key(page, "Tab")
    await page.until("document.querySelectorAll('.choice').length === 3")
    await key(page, "ArrowDown")
    await key(page, "Tab")
    assert await page.js("document.querySelector('.composer textarea').value.trim()") == "/price item: pear"
    await key(page, "Enter")
    await page.until("document.querySelector('.press') !== null")
    assert (await page.texts(".used"))[-1] == "olivia used /price"
    assert "1 x pear: 3 coins" in await page.texts(".text")
    # Its button opens a form; the answer to that is for one pair of eyes.
    await page.js("document.querySelector('.press').click()")
    await fill(page, "dialog input", "x")
    await choose(page, "Submit")
    await page.until("document.querySelector('dialog[open]') !== null")
    await fill(page, "dialog input", "Elm Street 5")
    await choose(page, "Submit")
    await page.until("document.querySelector('.private') !== null")
    assert "On its way to Elm Street 5!" in (await page.texts(".private"))[0]
    assert (await page.texts(".private .used"))[0] == "olivia filled in Your order"
    assert not [message for message in shop.messages("general") if "Elm" in message.content]
    await page.js("document.querySelector('.private .link').click()")
    await page.until("document.querySelector('.private') === null")
    # A new member, to whom the bot writes; and the extension's own card of it.
    await page.js("document.querySelector('[aria-label=\"Something happens\"]').click()")
    await choose(page, "A member joins")
    await fill(page, "dialog [name=name]", "nora")
    await choose(page, "Join")
    await page.until("[...document.querySelectorAll('.person')].some((one) => one.textContent.includes('nora'))")
    await shop.wait_until(lambda: "nora" in "".join(message.text for message in shop.messages("members")))


async def test_a_broken_webhook_and_its_outage_are_seen(page: Tab, shop: Sandbox) -> None:
    await page.js("document.querySelector('[aria-label=\"Break something\"]').click()")
    await choose(page, "info: works")
    await choose(page, "Break it")
    await page.until("document.querySelector('dialog') === null")
    for number in range(3):
        shop.say(f"!note {number}")
    # The fallback tells of it in one card, which turns green.
    await page.open("/#channel=errors")
    await page.until(_has("Webhook info does not work"))
    await page.until(_has("webhook info fails (500"))
    await page.js("document.querySelector('[aria-label=\"Break something\"]').click()")
    await choose(page, "info: Errors (500)")
    await page.until(_has("Webhook info works again"), 40)
    assert not await page.js(_has("Webhook info does not work"))
    await shop.wait_until(lambda: "a note of mia: 2" in "".join(m.text + "".join(f.text for f in m.attachments)
                                                               for m in shop.messages("info")), 40)  # fmt: skip


def _has(text: str) -> str:
    """A question to the page: does a card that it shows have this text?"""
    return f"[...document.querySelectorAll('.embed')].some((one) => one.textContent.includes({json.dumps(text)}))"


async def test_invites_are_made_used_and_revoked(page: Tab, shop: Sandbox) -> None:
    await page.js("document.querySelector('[aria-label=\"Something happens\"]').click()")
    await choose(page, "Invites")
    await choose(page, "A new invite")
    await choose(page, "Make it")
    invites = shop.state.guilds[shop.guild_id].invites
    await shop.wait_until(lambda: invites)
    [code] = invites
    await choose(page, code)
    await choose(page, "A member joins by it")
    await fill(page, "dialog [name=name]", "nora")
    await choose(page, "Join")
    await shop.wait_until(lambda: invites[code]["uses"] == 1)
    assert any(member["user"]["username"] == "nora" for member in shop.state.guilds[shop.guild_id].members.values())
    await page.js("document.querySelector('[aria-label=\"Something happens\"]').click()")
    await choose(page, "Invites")
    await choose(page, f"{code} to #general, used 1 time")
    await choose(page, "Revoke")
    await shop.wait_until(lambda: not invites)


async def test_acting_as_others_in_direct_messages_and_on_members(page: Tab, shop: Sandbox) -> None:
    await page.js("document.querySelector('.who-acts').click()")
    await choose(page, "mia")
    await page.until("document.querySelector('#me span').firstChild.textContent === 'mia'")
    await page.js("[...document.querySelectorAll('.chan')].find((one) => one.textContent === 'demo-bot').click()")
    await page.until("document.querySelector('.composer textarea').placeholder.includes('demo-bot')")
    await write(page, "!note in private")
    await key(page, "Enter")
    await shop.wait_until(lambda: len(shop.direct_messages(shop.member_id)) == 1)
    await page.until("document.querySelector('.reaction') !== null")
    await page.js("[...document.querySelectorAll('.person')].find((one) => one.textContent.includes('adam')).click()")
    await choose(page, "Time out")
    adam = shop.state.guilds[shop.guild_id].members[shop.admin_id]
    await shop.wait_until(lambda: adam["communication_disabled_until"])
    await page.js("[...document.querySelectorAll('.person')].find((one) => one.textContent.includes('adam')).click()")
    await choose(page, "Kick")
    await choose(page, "Kick")
    await shop.wait_until(lambda: shop.admin_id not in shop.state.guilds[shop.guild_id].members)
    entry = shop.state.guilds[shop.guild_id].audit_log[-1]
    assert (entry["action_type"], entry["user_id"]) == (20, str(shop.member_id))


async def test_a_message_has_its_menu(page: Tab, shop: Sandbox) -> None:
    said = shop.say("look at this", author_id=shop.owner_id)
    open_menu = "[...document.querySelectorAll('.more')].at(-1).click()"
    await page.until("document.querySelector('.more') !== null")
    for name, done in (
        ("React with 🎉", "document.querySelector('.reaction') !== null"),
        ("Pin", "[...document.querySelectorAll('.sub')].some((one) => one.textContent.includes('Pinned'))"),
    ):
        await page.js(open_menu)
        await choose(page, name)
        await page.until(done)
    await page.js(open_menu)
    await choose(page, "Edit")
    await fill(page, "dialog textarea", "look at that")
    await choose(page, "Save")
    await page.until("document.querySelector('.edited') !== null")
    await page.js(open_menu)
    await choose(page, "Reply")
    await write(page, "I see")
    await key(page, "Enter")
    await shop.wait_until(lambda: shop.messages("general")[-1].content == "I see")
    assert shop.messages("general")[-1].raw["message_reference"]["message_id"] == str(said)
    await page.js(open_menu)
    await choose(page, "Start a thread")
    await fill(page, "dialog input", "aside")
    await choose(page, "Start")
    await page.until("[...document.querySelectorAll('.chan.thread')].some((one) => one.textContent === 'aside')")
    await page.js(open_menu)
    await choose(page, "Delete")
    await shop.wait_until(lambda: shop.messages("general")[-1].content == "look at that")


async def test_what_cannot_be_done_is_said(shop: Sandbox) -> None:
    general = str(next(iter(shop.state.guilds[shop.guild_id].channels)))
    impossible: list[tuple[dict[str, Any], str]] = [
        ({"do": "fly"}, "the page cannot do 'fly'"),
        ({"do": "say", "channel": "1", "text": "x"}, "no channel 1"),
        ({"do": "say", "text": " "}, "an empty message cannot be sent"),
        ({"do": "invoke", "name": "price", "options": {}, "channel": general}, "/price needs the option item"),
        ({"do": "fault", "webhook": "info", "kind": "teapot"}, "'teapot' is not one of"),
        ({"do": "leave", "user": "5"}, "there is no 5"),
    ]
    async with aiohttp.ClientSession() as session:
        for what, said in impossible:
            body = {"user": str(shop.owner_id), "guild": str(shop.guild_id), **what}
            async with session.post(f"{shop.base_url}/page/act", json=body) as answer:
                assert answer.status == 400, what
                assert (await answer.json())["error"].startswith(said)
