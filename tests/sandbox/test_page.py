"""What the page of the local Discord shows of messages, in a real browser."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from .browser import CHROMIUM, FLAGS, Tab, needs_browser, serve
from .page_state import HOSTILE, LOG, Memory, demo, file

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time


@needs_browser
async def test_channel_names_avatars_and_times(tab: Tab) -> None:
    await tab.open("/#channel=errors")
    assert await tab.texts(".chan span") == ["errors", "members", "logs", "empty"]
    assert await tab.texts(".top span") == ["errors"]
    assert await tab.texts(".top small") == ["Exceptions with tracebacks"]
    assert await tab.texts(".who") == ["Statsbot", "Statsbot"], "within seven minutes there is one name for all"
    assert await tab.texts(".tag") == ["APP", "APP"]
    assert await tab.js("document.querySelectorAll('.ava svg').length") == 2
    shown = (await tab.texts(".line time"))[0]
    assert shown.replace("\u202f", " ") == "Yesterday at 12:00 PM"
    assert len(await tab.texts(".day")) == 1
    assert await tab.js("document.querySelectorAll('.silent').length") == 1


@needs_browser
async def test_times_are_of_the_viewers_zone(tab: Tab) -> None:
    await tab.call("Emulation.setTimezoneOverride", timezoneId="Asia/Kolkata")
    await tab.call("Emulation.setLocaleOverride", locale="en-GB")
    await tab.open("/#channel=errors")
    assert (await tab.texts(".line time"))[0].endswith("17:30")


@needs_browser
async def test_embed(tab: Tab) -> None:
    await tab.open("/#channel=errors")
    assert await tab.style(".embed", "borderLeftColor") == "rgb(231, 76, 60)"
    assert await tab.texts(".embed .title") == ["KeyError: 'song'", "Slow: db.query"]
    assert await tab.texts(".embed .author") == ["statsbot"]
    assert await tab.texts(".name") == ["Level", "Server", "Command", "Where", "User", "Seen"]
    where = "[...document.querySelectorAll('.field')].map((f) => Math.round(f.getBoundingClientRect().top))"
    tops = await tab.js(where)
    assert tops[0] == tops[1] == tops[2] < tops[3] < tops[4] == tops[5], "three inline ones share a row"
    assert (await tab.texts(".foot"))[0].startswith("shard 0 | 3f9a • Yesterday at ")
    assert await tab.texts(".field .pill") == ["@mia"]
    assert (await tab.texts(".field .stamp"))[0].endswith("years ago")
    assert (await tab.texts(".embed pre"))[0].startswith('Traceback (most recent call last):\n  File "/app/bot.py"')
    assert "monospace" in await tab.style(".embed pre", "fontFamily")


@needs_browser
async def test_edited_mark_says_when(tab: Tab) -> None:
    await tab.open("/#channel=errors")
    assert await tab.texts(".edited") == ["(edited)"]
    assert await tab.js("document.querySelector('.edited').title.length") > 10


@needs_browser
async def test_attachment_previews_expands_and_opens(tab: Tab) -> None:
    await tab.open("/#channel=errors")
    await tab.until("document.querySelector('.file pre') !== null")
    assert (await tab.texts(".file pre"))[0].splitlines() == LOG.splitlines()[:6]
    assert await tab.texts(".file small") == [f"{len(LOG) / 1024:.2f} KB"]
    await tab.js("document.querySelector('.file button').click()")
    assert await tab.texts(".file pre") == [LOG]
    link = await tab.js("document.querySelector('.file a').href")
    assert await tab.texts(".file a") == ["events.txt"]
    async with aiohttp.ClientSession() as session, session.get(link) as answer:
        assert await answer.text() == LOG


@needs_browser
async def test_markdown(tab: Tab) -> None:
    await tab.open("/#channel=logs")
    got = await tab.js(
        """(() => { const text = [...document.querySelectorAll('.text')].at(-1), out = {};
        for (const tag of ['h1', '.sub', 'b', 'i', 'u', 's', 'code', '.spoiler', 'blockquote', '.item', 'pre'])
            out[tag] = [...text.querySelectorAll(tag)].map((node) => node.textContent);
        out.rest = text.textContent; return out; })()"""
    )
    rest = got.pop("rest")
    assert got == {
        "h1": ["Heading"], ".sub": ["small print"], "b": ["bold", "both", "text"], "i": ["italic", "also", "both"],
        "u": ["under"], "s": ["gone"], "code": ["a*b*c"], ".spoiler": ["secret"],
        "blockquote": ["quoted text\ngoes on"], ".item": ["one", "two"], "pre": ["+ added\n- removed", "red normal"],
    }  # fmt: skip
    assert "snake_case_name *plain*" in rest
    assert rest.endswith("after 2 * 3 * 4")
    assert await tab.texts(".hl-add") == ["+ added\n"]
    assert await tab.js("[...document.querySelectorAll('pre span')].at(-2).style.color") == "rgb(220, 50, 47)"


@needs_browser
async def test_hostile_text_is_only_text(tab: Tab) -> None:
    await tab.open("/#channel=logs")
    assert (await tab.texts(".who"))[0] == HOSTILE
    assert (await tab.texts(".text"))[0] == HOSTILE
    for place in (".title", ".desc", ".name", ".foot", ".file a"):
        assert (await tab.texts(place))[0].startswith(HOSTILE), place
    assert await tab.js("window.hacked === undefined")
    assert await tab.js("document.querySelectorAll('script:not([type]):not([src])').length") == 0
    assert await tab.js("document.querySelectorAll('#main img').length") == 0
    links = await tab.js("[...document.querySelectorAll('a[href]')].map((a) => a.getAttribute('href'))")
    assert [link for link in links if not link.startswith(("https://", "/files/"))] == []
    assert links[:2] == ["https://example.org/a", "https://example.org/b?c=d"]


@needs_browser
async def test_even_markup_could_not_run(tab: Tab) -> None:
    await tab.open("/#channel=logs")
    # A listener is told that the picture has failed; the handler in the markup must not run before it.
    await tab.js(
        "new Promise((done) => { const text = document.querySelector('.text'); text.addEventListener('error', done, true);"
        " text.innerHTML = '<img src=x onerror=window.hacked=5>'; })"
    )
    assert await tab.js("window.hacked === undefined"), "the policy of the page stops it"


@needs_browser
async def test_everyone_shines_only_when_it_pings(tab: Tab) -> None:
    await tab.open("/#channel=members")
    assert await tab.texts(".text .pill") == ["#errors", "@everyone"]
    assert await tab.js("document.querySelectorAll('.msg.ping').length") == 1


@needs_browser
async def test_buttons_menus_and_what_made_an_answer(tab: Tab, state: Memory) -> None:
    button = {"type": 2, "style": 4, "label": HOSTILE, "custom_id": "a", "disabled": True}
    link = {"type": 2, "style": 5, "label": "Docs", "url": "javascript:window.hacked=5"}
    menu = {"type": 3, "custom_id": "s", "placeholder": "For how long?", "options": []}
    rows = [{"type": 1, "components": [button, link]}, {"type": 1, "components": [menu]}]
    used = {"id": "1", "name": "webhooks mute", "user": {"id": "2", "username": "olivia"}}
    state.say("13", "Mute it?", components=rows, interaction=used)
    await tab.open("/#channel=empty")
    assert await tab.texts(".press") == [HOSTILE, "Docs"]
    assert await tab.texts(".choose") == ["For how long?"]
    assert await tab.texts(".used") == ["olivia used /webhooks mute"]
    assert await tab.js("document.querySelectorAll('.row a').length") == 0
    assert await tab.js("window.hacked") is None


@needs_browser
async def test_a_picture_that_an_embed_shows_is_shown_once(tab: Tab, state: Memory) -> None:
    picture = file("chart.png", "x", "image/png")
    state.say("13", embeds=[{"title": "x", "image": {"url": picture["url"]}}], attachments=[picture])
    await tab.open("/#channel=empty")
    assert await tab.js("document.querySelectorAll('.photo').length") == 0


SLOW = ["*", "**", "_", "__a", "*a ", "**a*", "||", "~~", "`", "``a", "[", "[a](", "> ", "\\", "<t:1", "http://", "\n- "]
# How much longer eight times as much takes, at best: what disturbs a measurement only makes it longer. Seen: at most 8.
GROWTH = """((part) => {
    const took = (size) => {
        const text = part.repeat(size / part.length), start = performance.now();
        markdown(text);
        return performance.now() - start;
    };
    return Math.min(...Array.from({ length: 10 }, () => took(4096) / Math.max(took(512), 1)));
})"""


@needs_browser
async def test_text_made_to_be_slow_is_not(tab: Tab) -> None:
    await tab.open("/#channel=empty")
    grown = {part: await tab.js(f"{GROWTH}({json.dumps(part)})") for part in SLOW}
    assert not {part: growth for part, growth in grown.items() if growth > 32}


@needs_browser
async def test_is_complete_once_it_is_loaded(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    async with serve(demo()) as base:
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", f"{base}/?all=1"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(40):
                shown, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    body = shown.decode().partition('<main id="main">')[2]
    assert '<div class="name">Command</div>' in body
    assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in body
