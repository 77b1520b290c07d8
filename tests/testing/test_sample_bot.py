"""The tests of examples/sample_bot, which are written from docs/testing.md alone, run as its author would run them."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]
PLUGIN = "statsbot_webhooks.testing.pytest_plugin"


@pytest.mark.slow
async def test_the_sample_bots_tests_pass(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("WEBHOOK_", "PYTEST", "COV_"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *(path for path in sys.path if path)])
    # What a bot has of its own must not be used: neither its webhooks nor its storage.
    environment |= {"WEBHOOK_ERROR_URL": "https://discord.com/api/webhooks/1/production", "WEBHOOK_MASK_USER_IDS": "true"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider", "-p", "no:randomly"),
        cwd=ROOT / "examples" / "sample_bot", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out = (await process.communicate())[0].decode()
    assert process.returncode == 0, out
    passed = re.search(r"(\d+) passed", out)
    assert passed is not None, out
    assert int(passed[1]) >= 25
