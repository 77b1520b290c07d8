"""Fixtures of the tests that drive a browser."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from .browser import CHROMIUM, FLAGS, Tab, serve, tab_on
from .page_state import Memory, demo


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Chromium; yields the address of its DevTools."""
    assert CHROMIUM is not None
    profile: Path = tmp_path_factory.mktemp("chromium")
    command = [CHROMIUM, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port_file, end = profile / "DevToolsActivePort", time.monotonic() + 30
            while not (port_file.exists() and port_file.read_text()):
                assert process.poll() is None, "Chromium ended"
                assert time.monotonic() < end, "Chromium did not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port_file.read_text().splitlines()[0]}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def state() -> Memory:
    return demo()


@pytest.fixture
async def tab(browser: str, state: Memory) -> AsyncGenerator[Tab]:
    async with serve(state) as base, tab_on(browser, base) as tab:
        yield tab
