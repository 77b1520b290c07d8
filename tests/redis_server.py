"""A real redis-server for tests, on a Unix socket of its own. Without one on this machine the tests that need it are skipped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from . import quick_time

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
needs_redis = pytest.mark.skipif(PROGRAM is None, reason="there is no redis-server on this machine: apt-get install redis-server")


class RedisServer:
    """One server process; `stop`, `kill`, `start` and `pause` as a test wants. Its data outlives a restart (appendonly)."""

    def __init__(self, folder: Path | None = None, *options: str) -> None:
        # Not below pytest's folder: the path of a socket may have 107 characters at most.
        self.folder = folder or Path(tempfile.mkdtemp(prefix="redis-"))
        self.socket = self.folder / "redis.sock"
        self._options = options
        self.pid = 0

    def url(self, prefix: str = "test") -> str:
        return f"unix://{self.socket}?prefix={prefix}"

    def start(self, *options: str) -> RedisServer:
        assert PROGRAM is not None
        pid_file = self.folder / "redis.pid"
        pid_file.unlink(missing_ok=True)
        arguments = [
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(self.folder),
            "--save",
            "",
            "--loglevel",
            "warning",
        ]
        # No child of this process: time passes faster only while there is none, and while this one does not work either.
        arguments += ["--daemonize", "yes", "--pidfile", str(pid_file), *self._options, *options]
        subprocess.run([PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1000):
            try:
                # redis 5.0.1 leaves a socket open that cannot connect, and the warning of it fails a test.
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(self.socket))
                self.client().ping()
                self.pid = int(pid_file.read_text())
                quick_time.SERVERS.add(self.pid)
                return self
            except Exception:  # noqa: BLE001 - not up yet
                time.sleep(0.01)
        raise RuntimeError("redis-server does not start")

    def client(self) -> Any:
        import redis

        return redis.Redis(unix_socket_path=str(self.socket), decode_responses=True, socket_timeout=5)

    def hang(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self, *, kill: bool = False) -> None:
        if not self.pid:
            return
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL if kill else signal.SIGTERM)
            for _ in range(1000):
                os.kill(self.pid, 0)
                time.sleep(0.01)
        quick_time.SERVERS.discard(self.pid)
        self.pid = 0
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop(kill=True)
        shutil.rmtree(self.folder, ignore_errors=True)
