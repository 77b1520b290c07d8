"""A bot's script as a real process against a sandbox, and what it printed, made comparable."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import statsbot_webhooks
from statsbot_webhooks.events.event import Event, decode
from statsbot_webhooks.sandbox import Sandbox

HERE = Path(__file__).parent
_RUNNER = (
    "import runpy, sys\n"
    "from statsbot_webhooks.sandbox import redirect\n"
    "with redirect(sys.argv[1]):\n"
    "    runpy.run_path(sys.argv[2], run_name='__main__')\n"
)
# What differs between two runs of the same bot, with us or without. Nothing else is touched.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d{3})?"), "TIME"),
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"), "SESSION"),
    (re.compile(r"(?<!\d)\d{15,20}(?!\d)"), "ID"),
    # The number that asyncio gives a task without a name; aiohttp makes such tasks for our requests too.
    (re.compile(r"'Task-\d+'"), "'Task-N'"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
)


def comparable(text: str) -> str:
    """Return what a bot has printed without what differs between two runs."""
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


class Bot:
    """One process. `printed` is all that it has printed so far, on both streams in one."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self._output = output

    @property
    def printed(self) -> str:
        return self._output.read_text()

    @property
    def comparable(self) -> str:
        return comparable(self.printed)


@asynccontextmanager
async def bot_process(
    sandbox: Sandbox, script: Path, folder: Path, *, load: bool, extra: dict[str, str] | None = None
) -> AsyncGenerator[Bot]:
    """Run a script as its author would, with or without the one line that loads us; killed at the end if it still runs."""
    os.makedirs(folder, exist_ok=True)
    output = folder / "printed"
    # The package that is tested, in the tree or installed.
    ours = os.path.dirname(os.path.dirname(statsbot_webhooks.__file__))
    path = os.pathsep.join([str(HERE), ours, os.environ.get("PYTHONPATH", "")])
    own = {name: value for name, value in os.environ.items() if not name.startswith("WEBHOOK_")}
    environment = {**own, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "DISCORD_TOKEN": sandbox.bot_token, **(extra or {})}
    if load:
        environment |= {"LOAD": "1", "WEBHOOK_ERROR_URL": sandbox.webhook_url("error")}
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-c", _RUNNER, sandbox.base_url, str(script)),
            env=environment,
            cwd=folder,
            stdout=file,
            stderr=file,
        )
    try:
        yield Bot(process, output, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def stored_events(folder: Path) -> list[Event]:
    """Return the events that a killed bot had accepted for its one destination."""
    with closing(sqlite3.connect(folder / "statsbot_webhooks.sqlite3")) as db, db:
        rows = db.execute("SELECT event FROM entries ORDER BY id").fetchall()
    db.close()
    return [decode(text) for (text,) in rows]


def is_stored(folder: Path, text: str) -> bool:
    """Whether a text is in the storage of a bot that runs, and so has the file for itself."""
    return any(text.encode() in path.read_bytes() for path in folder.glob("statsbot_webhooks.sqlite3*"))
