"""Everything at once: odd records, damaged rows, locks, full disks and executors, reloads, clock steps, outages of Discord."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks.sandbox import Sandbox

from .test_faults import NAMES, numbers

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

_ROOT = Path(__file__).parents[2]
_FAULTS = ("500", "502", "reset", "no_answer", "slow", "429", "404_bare", "html_200", "saved_html", "saved_reset", "saved_500")


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [pytest.param(9, 0.2, marks=pytest.mark.slow), pytest.param(1800, 2.0, marks=pytest.mark.soak)],
)
async def test_nothing_is_lost_whatever_happens(sandbox: Sandbox, env: pytest.MonkeyPatch, seconds: int, pause: float) -> None:
    env.setenv("WEBHOOK_BREAKER_COOLDOWN_SECONDS", "1")
    env.setenv("WEBHOOK_CARD_EDIT_SECONDS", str(pause * 5))
    env.setenv("PYTHONPATH", str(_ROOT))
    sandbox.fault("performance", "400", match="poison")
    arguments = [sandbox.base_url, sandbox.bot_token, str(seconds), str(pause)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.scenarios.wearing_bot", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    failing = asyncio.create_task(fail_now_and_then(sandbox, pause))
    reports: list[dict[str, Any]] = []
    async for line in process.stdout:
        if line.strip() == b"over":
            failing.cancel()
            for name in ("error", "info"):
                sandbox.heal(name)
        else:
            reports.append(json.loads(line))
            print(line.decode(), end="", flush=True)
    await process.wait()
    said = (await errors).decode()
    assert reports, said
    last = reports[-1]
    # While one webhook is gone and another fails, a third takes what they do not.
    shown = set().union(*(numbers(sandbox, name) for name in NAMES))
    assert sorted(set(range(last["logged"])) - shown) == [], said[-3000:]
    assert [report for report in reports if not report["balanced"]] == []
    assert last["pending"] == 0
    # What a damaged row held was not accepted from the bot.
    assert {reason for report in reports for reason in report["lost"]} <= {"stored row cannot be read"}
    assert last["done"]["damage"] >= 1
    sizes = [report["size"] for report in reports]
    # What was in memory at the worst moment stays the process's own.
    memory = [report["memory"] for report in reports[len(reports) // 2 :]]
    print(f"{last['logged']} numbers, all shown; storage at most {max(sizes):.1f} MB, at the end {sizes[-1]:.1f} MB")
    print("memory in MB:", " ".join(f"{value:.0f}" for value in memory))
    assert sizes[-1] < 8
    if seconds > 600:
        assert max(memory) - min(memory) < 30


async def fail_now_and_then(sandbox: Sandbox, pause: float) -> None:
    rng = random.Random(9)
    while True:
        await asyncio.sleep(pause * 5 * rng.random())
        kind, name = rng.choice(_FAULTS), rng.choice(("error", "info"))
        sandbox.fault(name, kind, seconds=pause * 4 * rng.random(), delay=min(pause, 1.0))
        if rng.random() < 0.1:
            sandbox.disconnect(resumable=rng.random() < 0.5)
