"""`demo` without a terminal: it ends by itself, and says by its exit code whether everything arrived."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import statsbot_webhooks

# Processes of their own go by the machine's clock.
pytestmark = pytest.mark.real_time

ROOT = Path(statsbot_webhooks.__file__).parents[1]


async def demo(*, code: str = "") -> tuple[int, str, str]:
    script = f"{code}\nfrom statsbot_webhooks.cli import main\nraise SystemExit(main(['demo']))"
    # Not a subprocess of asyncio's: the thread that waits for it may outlive the test.
    command = [sys.executable, "-c", script]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
async def test_a_scripted_life_arrives_whole() -> None:
    code, out, err = await demo()
    assert code == 0, out + err
    for part in (
        "what happened",
        "8 member events",
        "15 errors",
        "1 alert\n",
        "#error",
        "events delivered",
        "pending 0 · dead 0 · lost 0",
        "429s 0",
        "nothing lost",
    ):
        assert part in out, out


@pytest.mark.slow
async def test_a_bot_that_does_not_start_is_said_with_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('no such thing as a bot')")
    patch = f"import pathlib, statsbot_webhooks.cli.demo as d; d._EXAMPLE = pathlib.Path({str(tmp_path / 'broken.py')!r})"
    code, _, err = await demo(code=patch)
    assert code == 1
    assert "the bot did not start" in err
    assert "no such thing as a bot" in err
    assert "Traceback" not in err
