"""The command line as a whole: its help, its version, any console, and the demo's bot inside the package."""

from __future__ import annotations

import ast
import asyncio
import io
import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

import statsbot_webhooks
from statsbot_webhooks import LogLevel, WebhookConfig
from statsbot_webhooks.cli import main
from statsbot_webhooks.cli.terminal import color
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager

COMMANDS = ("demo", "check", "settings", "sandbox", "outbox", "forget")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_and_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "examples:" in text
    assert "exit codes:" in text
    assert "\x1b[" not in text


def test_version_has_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"statsbot-webhooks {statsbot_webhooks.__version__}"
    if (ROOT / "setup.cfg").exists():
        setup = ConfigParser()
        setup.read(ROOT / "setup.cfg")
        assert setup["metadata"]["version"] == "attr: statsbot_webhooks.config.version.PACKAGE_VERSION"
        assert "statsbot-webhooks = statsbot_webhooks.cli:main" in setup["options.entry_points"]["console_scripts"]


@pytest.mark.slow
async def test_any_console_shows_a_dead_letter(sandbox: Sandbox, urls: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.fault("error", "400")
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0)) as manager:
        await manager.send_log(LogLevel.ERROR, "payment of mia failed \U0001f525")
        async with asyncio.timeout(20):
            while (await manager.stats()).dead == 0:
                await asyncio.sleep(0.02)
    for encoding in ("cp1252", "cp437", "ascii", "utf-8"):
        for arguments in (("list",), ("show", "--all"), ("list", "--json")):
            console = io.TextIOWrapper(io.BytesIO(), encoding)
            with monkeypatch.context() as patch:
                patch.setattr(sys, "stdout", console)
                # It has an event loop of its own.
                assert await asyncio.to_thread(main, ["outbox", *arguments]) == 0
            console.flush()
            assert b"payment of mia failed" in console.buffer.getvalue()  # type: ignore[attr-defined]
    # And once as a console sees it.
    done = subprocess.run(  # noqa: ASYNC221 - nothing else is to be done meanwhile
        [sys.executable, "-m", "statsbot_webhooks", "outbox", "show", "--all"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(statsbot_webhooks.__file__).parents[1])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"payment of mia failed" in done.stdout
    assert b"Traceback" not in done.stderr


def test_colors_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    class Terminal:
        def isatty(self) -> bool:
            return True

    assert color("x", "red", Terminal()) == "\x1b[31mx\x1b[0m"  # type: ignore[arg-type]
    assert color("x", "red") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert color("x", "red", Terminal()) == "x"  # type: ignore[arg-type]


def test_the_demo_needs_nothing_beside_the_package() -> None:
    package = Path(statsbot_webhooks.__file__).parent
    from statsbot_webhooks.cli import demo  # noqa: PLC0415 - what is asked is where its bot lies

    assert demo._EXAMPLE.is_relative_to(package)
    ast.parse(demo._EXAMPLE.read_text("utf-8"))


@pytest.mark.parametrize("arguments", [["forget", "abc"], ["outbox", "show", "x1"]])
def test_an_argument_that_is_no_number_is_said_in_words(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"{arguments[-1]} is not a number" in capsys.readouterr().err
