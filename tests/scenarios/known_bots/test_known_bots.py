"""RoboDanny, Modmail and Red print with us what they print without us, and each of their failures arrives once.

Runs where ROBODANNY_DIR, MODMAIL_DIR or RED_DIR name a checkout (Rapptz/RoboDanny, modmail-dev/Modmail,
Cog-Creators/Red-DiscordBot) and KNOWN_BOTS_PYTHON a Python that has what they need, Red's own package metadata among it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

import pytest

import statsbot_webhooks
from statsbot_webhooks.sandbox import Sandbox

from ..failures.bots import comparable

pytestmark = pytest.mark.slow
_SCRIPT = Path(__file__).with_name("drive.py")
_RUNNER = (
    "import runpy, sys\n"
    "from statsbot_webhooks.sandbox import redirect\n"
    "url, *sys.argv = sys.argv[1:]\n"
    "with redirect(url):\n"
    "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
)
# Beside what differs between two runs of any bot.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[,.]\d+)?|\d\d/\d\d/\d\d \d\d:\d\d:\d\d"), "TIME"),
    # Red counts our cog, as it should.
    (re.compile(r"Loaded \d+ cogs"), "Loaded N cogs"),
)
FAILURES = ("command", "listener", "loop", "task", "slash", "view")
BOTS = [
    pytest.param(name, marks=pytest.mark.skipif(f"{name.upper()}_DIR" not in os.environ, reason=f"{name.upper()}_DIR is not set"))
    for name in ("robodanny", "modmail", "red")
]


async def run(folder: Path, name: str, *, load: bool) -> tuple[Counter[str], list[str]]:
    """Return the lines that the bot printed, made comparable, and the cards that the channel showed."""
    os.makedirs(folder)
    output = folder / "printed"
    async with Sandbox(limits=False) as sandbox:
        ours = os.path.dirname(os.path.dirname(statsbot_webhooks.__file__))
        environment = {**os.environ, "PYTHONPATH": ours, "HOME": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
        environment |= {"DISCORD_TOKEN": sandbox.bot_token, "GUILD_ID": str(sandbox.guild_id), "OWNERS": str(sandbox.owner_id)}
        if load:
            environment |= {"LOAD": "1", "WEBHOOK_ERROR_URL": sandbox.webhook_url("error")}
            environment |= {"WEBHOOK_BATCH_TIMEOUT": "0.2", "WEBHOOK_LIFECYCLE": "false"}
        python = os.environ.get("KNOWN_BOTS_PYTHON", "python")
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(python, "-W", "ignore", "-c", _RUNNER, sandbox.base_url, str(_SCRIPT), name),
                env=environment,
                cwd=folder,
                stdout=file,
                stderr=file,
            )

        async def printed(text: str) -> None:
            await sandbox.wait_until(lambda: text in output.read_text() or process.returncode is not None, 60)
            assert text in output.read_text()

        async def do(work: Awaitable[object], failure: str) -> None:
            await work
            await printed(f"boom({failure})")

        try:
            await printed("READY NOW")
            for text, failure in (("?failing", "command"), ("trip", "listener"), ("?loopfail", "loop"), ("?taskfail", "task")):
                sandbox.say(text)
                await printed(f"boom({failure})")
            await do(sandbox.invoke("slashfail", timeout=0.01), "slash")
            panel = await sandbox.invoke("panel", timeout=10)
            await do(sandbox.click(panel, "buy", timeout=0.01), "view")
            if load:
                await sandbox.wait_until(lambda: "boom(view)" in str([m.embeds for m in sandbox.messages("error")]), 20)
            sandbox.say("the end")
            await printed("THE END")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        return lines_of(output.read_text()), [str(embed) for m in sandbox.messages("error") for embed in m.embeds]


def lines_of(text: str) -> Counter[str]:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    # As a multiset of lines: what runs at the same time may be printed in another order.
    return Counter(comparable(text).splitlines())


@pytest.mark.parametrize("name", BOTS)
async def test_a_known_bot_prints_the_same_and_each_failure_arrives_once(tmp_path: Path, name: str) -> None:
    without, _ = await run(tmp_path / "without", name, load=False)
    with_us, cards = await run(tmp_path / "with", name, load=True)
    assert (with_us - without, without - with_us) == (Counter(), Counter())
    assert {failure: sum(f"boom({failure})" in card for card in cards) for failure in FAILURES} == dict.fromkeys(FAILURES, 1)
