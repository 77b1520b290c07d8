"""Each snippet of docs/issues.md runs, and does what the guide says."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from discord.ext import commands

from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_bot

GUIDE = Path(__file__).parents[2] / "docs" / "issues.md"
pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="no docs here: these tests run from a wheel")


async def test_every_snippet_runs(sandbox: Sandbox, env: pytest.MonkeyPatch) -> None:
    snippets = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    context, reference, hook, fingerprint = (compile(snippet, str(GUIDE), "exec") for snippet in snippets)
    async with running_bot(sandbox) as bot:
        manager = bot.cogs["Webhooks"].manager
        exec(context, {})  # noqa: S102 - what the guide says
        await sandbox.wait_until(lambda: "the parcel is lost" in str(sandbox.messages("error")))
        assert "north" in sandbox.messages("error")[0].text

        @bot.command()
        async def buy(_context: commands.Context[commands.Bot]) -> None:
            raise LookupError("no such thing")

        exec(reference, {"bot": bot})  # noqa: S102
        sandbox.say("!buy")
        await sandbox.wait_until(lambda: len(sandbox.messages("error")) == 2 and len(sandbox.messages("general")) == 2)
        said = re.search(r"E-[0-9A-F]{4,}", sandbox.messages("general")[1].content)
        assert said is not None
        assert said[0] in sandbox.messages("error")[1].embeds[0]["footer"]["text"]
        exec(hook, {})  # noqa: S102
        logging.getLogger("noisy.part").error("not shown")
        logging.getLogger("shop").error("shown")
        await sandbox.wait_until(lambda: "eu" in sandbox.messages("error")[-1].text)
        assert not any("not shown" in message.text for message in sandbox.messages("error"))
        manager.before_send = None
        exec(fingerprint, {})  # noqa: S102
        await sandbox.wait_until(lambda: "till of north" in str(sandbox.messages("error")))
