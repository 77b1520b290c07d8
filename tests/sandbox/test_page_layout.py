"""The page of the local Discord scrolls, fits and can be read, in a real browser."""

from __future__ import annotations

import pytest

from .browser import Tab, needs_browser
from .page_state import TRACE, Memory

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time


SETTLE = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Texts whose colour is too near to that of what is behind them.
CONTRAST = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number), weak = [];
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) { const color = rgb(getComputedStyle(node).backgroundColor); if (color.length < 4 || color[3] > 0.9) return color; } return [255, 255, 255]; };
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim()) || !node.offsetParent || node.closest('.spoiler, script, [data-lang=ansi], .off')) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push([node.className || node.tagName, node.textContent.slice(0, 30), Math.round(ratio * 100) / 100]);
  }
  return weak; })()"""


@needs_browser
async def test_scrolls_along_only_from_the_bottom(tab: Tab, state: Memory) -> None:
    for number in range(260):
        state.say("13", f"line {number}", minute=number / 60)
    await tab.open("/#channel=empty")
    gap = "(() => { const l = document.querySelector('.list'); return l.scrollHeight - l.scrollTop - l.clientHeight; })()"
    await tab.until(f"{gap} < 2")
    assert len(await tab.texts(".msg")) < 120, "only what is in sight has rows"
    state.say("13", "at the bottom", minute=5)
    await tab.until("[...document.querySelectorAll('.text')].at(-1).textContent === 'at the bottom'")
    await tab.until(f"{gap} < 2")
    await tab.js("document.querySelector('.list').scrollTop = 900")
    await tab.until("document.querySelector('.list').stuck === false")
    await tab.js(SETTLE)
    at = await tab.js("document.querySelector('.list').scrollTop")
    state.say("13", "while reading", minute=5)
    await tab.until("!document.querySelector('.jump').hidden")
    assert await tab.js("document.querySelector('.list').scrollTop") == at
    await tab.js("document.querySelector('.list').scrollTop = 0")
    await tab.until("document.querySelector('.text').textContent === 'line 0'")
    await tab.js("document.querySelector('.jump').click()")
    await tab.until(f"{gap} < 2")


@needs_browser
async def test_thousands_of_messages_scroll_at_once(tab: Tab, state: Memory) -> None:
    for number in range(5000):
        embed = {"title": f"Error {number}", "description": f"```py\n{TRACE}\n```", "fields": [], "color": 0xE74C3C}
        state.say("13", f"line {number}", embeds=[embed] * (number % 3), minute=number / 60)
    await tab.open("/#channel=empty")
    await tab.js(
        """(async () => { const list = document.querySelector('.list'), begun = performance.now(), step = list.scrollHeight / 40;
        window.made = 0;
        new MutationObserver((changes) => { for (const change of changes) made += change.addedNodes.length; }).observe(list.firstChild, { childList: true });
        for (let i = 0; i < 40; i++) { list.scrollTop -= step; await new Promise(requestAnimationFrame); }
        list.scrollTop = 0; await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
        return performance.now() - begun; })()"""
    )
    # All rows for all messages took 45 s.
    assert await tab.js("made") < 3000
    await tab.until("document.querySelector('.text').textContent === 'line 0'")
    assert len(await tab.texts(".msg")) < 200
    assert await tab.js("document.querySelector('.msg').parentNode.getAttribute('aria-setsize')") == "5000"


@needs_browser
async def test_rows_stay_where_they_are_while_one_scrolls_up(tab: Tab, state: Memory) -> None:
    """Heights above are guessed until their rows are drawn; what is read may not jump when they become known."""
    for number in range(400):
        state.say("13", "line\n" * (number % 9 + 1), minute=number * 10)
    await tab.open("/#channel=empty")
    jumps = await tab.js(
        """(async () => { const list = document.querySelector('.list'), jumps = []; list.scrollTop = list.scrollHeight / 2;
        await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
        for (let i = 0; i < 60; i++) {
          const row = [...list.querySelectorAll('[data-message]')].find((one) => one.getBoundingClientRect().top > 200), top = row.getBoundingClientRect().top;
          list.scrollTop -= 120; await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
          if (row.isConnected) jumps.push(Math.abs(row.getBoundingClientRect().top - top - 120));
        } return Math.max(...jumps); })()"""
    )
    assert jumps < 3, f"{jumps} px"


@needs_browser
async def test_an_unknown_channel_is_said(tab: Tab, state: Memory) -> None:
    await tab.open("/#channel=nothing")
    assert "There is no channel “nothing”" in await tab.js("document.querySelector('main').innerText")
    await tab.js("[...document.querySelectorAll('.unknown a')].find((a) => a.textContent === '#logs').click()")
    await tab.until("document.querySelector('.top span').textContent === 'logs'")


@needs_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_text_stands_out_in_both_themes(tab: Tab, theme: str) -> None:
    """Contrast of 4.5 to 1, by the rule of https://www.w3.org/TR/WCAG21/#contrast-minimum."""
    for channel in ("errors", "members", "logs"):
        await tab.open(f"/?theme={theme}#channel={channel}")
        weak = await tab.js(CONTRAST)
        assert not weak, weak


@needs_browser
async def test_names_for_screen_readers(tab: Tab) -> None:
    await tab.open("/#channel=errors")
    nameless = "[...document.querySelectorAll('button, a, input, textarea, select')].filter((n) => !n.hidden && !(n.textContent.trim() || n.getAttribute('aria-label') || n.title || n.querySelector('img[alt]') || n.labels?.length)).map((n) => n.outerHTML)"
    assert await tab.js(nameless) == []
    assert await tab.js("[...document.querySelectorAll('nav, main, aside')].map((n) => n.getAttribute('aria-label'))") == [
        "Servers",
        "Channels",
        None,
        "Members",
    ]
    # The letter of an avatar is not read before the name.
    assert await tab.js("document.querySelectorAll('.ava:not([aria-hidden=true])').length") == 0
    assert await tab.js("document.querySelector('.list').getAttribute('role')") == "log"
    assert await tab.js("document.querySelector('.chan.on').getAttribute('aria-current')") == "page"


@needs_browser
async def test_all_channels_side_by_side(tab: Tab, state: Memory) -> None:
    await tab.open("/?all=1")
    assert await tab.texts(".top span") == ["errors", "members", "logs", "empty"]
    assert await tab.js("document.querySelectorAll('.vacant').length") == 1
    state.say("13", "no longer", minute=5)
    await tab.until("document.querySelectorAll('.vacant').length === 0")


@needs_browser
@pytest.mark.parametrize("width", [1400, 800, 390])
async def test_nothing_sticks_out(tab: Tab, state: Memory, width: int) -> None:
    state.say("10", "x" * 1900, minute=21)
    used = {"id": "1", "name": "x" * 90, "type": 3, "user": {"id": "2", "username": "olivia"}}
    state.say("10", "answer", minute=22, interaction=used, referenced_message=state.say("10", "y" * 150, minute=21))
    state.say("10", embeds=[{"title": "y" * 256, "description": "z" * 2000}], minute=22)
    await tab.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
    await tab.open("/#channel=errors")
    assert await tab.js("document.querySelector('.list').scrollWidth <= document.querySelector('.list').clientWidth")
    assert await tab.js("document.documentElement.scrollWidth") == width
