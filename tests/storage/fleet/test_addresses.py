"""Every kind of URL reaches its Redis: a Unix socket, TCP with a user of its own, TLS, and Sentinels, also over a failover."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from statsbot_webhooks.storage import Outbox, make_outbox

from ...redis_server import PROGRAM, RedisServer, needs_redis
from ..conftest import event

pytestmark = [needs_redis, pytest.mark.real_time]
Serve = Callable[..., RedisServer]


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    def start(*options: object) -> RedisServer:
        server = RedisServer(None, *map(str, options)).start()
        stack.callback(server.remove)
        return server

    return start


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def opened(stack: ExitStack, url: str) -> Outbox:
    outbox = make_outbox(url, 100, lambda _: None)
    stack.callback(outbox.close)
    outbox.open()
    return outbox


def works(stack: ExitStack, url: str) -> bool:
    """Whether an event goes to Redis and comes from there."""
    outbox = opened(stack, url)
    outbox.put([("a", event("hello"))])
    entries = outbox.claim("a", 5)
    assert not outbox.is_displaced, outbox.problem  # type: ignore[attr-defined]
    return [entry.event.message for entry in entries] == ["hello"] and outbox.ack(entries)


def test_a_socket_with_a_database_and_a_prefix(stack: ExitStack, serve: Serve) -> None:
    server = serve()
    assert works(stack, f"unix://{server.socket}?db=3&prefix=mine")
    client = server.client()
    client.select(3)
    assert {key.partition(":")[0] for key in client.scan_iter()} == {"mine"}


def test_a_user_who_may_do_only_what_is_needed(stack: ExitStack, serve: Serve) -> None:
    server = serve("--port", port := free_port())
    rules = {"keys": ["mine:*"], "channels": ["mine:*"], "categories": ["+@all", "-@admin"]}
    server.client().acl_setuser("bot", enabled=True, passwords=["+p@ss word"], **rules)
    server.client().acl_setuser("default", enabled=True, reset_passwords=True, passwords=["+other"])
    assert works(stack, f"redis://bot:p%40ss%20word@127.0.0.1:{port}/0?prefix=mine")


def certificates(folder: Path) -> dict[str, Path]:
    """Make a CA and a certificate of 127.0.0.1 by it."""
    key, request, new = "ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes", "req -new -newkey", "-subj /CN=redis -keyout"
    # Python 3.13 also wants to know what the key of the CA is for, and the certificate to name it.
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid")
    for line in (
        f"{request} {key} -x509 -days 2 -subj /CN=ca -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem",
        f"{request} {key} {new} server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)
    return {"ca-cert": folder / "ca.pem", "cert": folder / "server.pem", "key": folder / "server.key"}


def test_tls_with_a_ca_of_its_own(stack: ExitStack, serve: Serve, tmp_path: Path) -> None:
    files = certificates(tmp_path)
    options = [text for name, file in files.items() for text in (f"--tls-{name}-file", file)]
    serve("--tls-port", port := free_port(), "--tls-auth-clients", "no", *options)
    assert works(stack, f"rediss://127.0.0.1:{port}?ca_certs={files['ca-cert']}")
    stranger = opened(stack, f"rediss://127.0.0.1:{port}")
    stranger.put([("a", event("waits"))])
    # No certificate authority of this machine knows it.
    assert stranger.is_displaced
    assert stranger.depth("a").entries == 1


def start_sentinel(stack: ExitStack, folder: Path, master: int) -> int:
    port, pid_file = free_port(), folder / "sentinel.pid"
    (folder / "sentinel.conf").write_text(
        f"port {port}\ndir {folder}\ndaemonize yes\npidfile {pid_file}\nlogfile {folder}/log\n"
        f"sentinel monitor bots 127.0.0.1 {master} 1\nsentinel down-after-milliseconds bots 500\n"
    )
    subprocess.run([str(PROGRAM), str(folder / "sentinel.conf"), "--sentinel"], check=True, capture_output=True)
    until(pid_file.exists)
    stack.callback(lambda: os.kill(int(pid_file.read_text()), signal.SIGKILL))
    return port


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_sentinels_and_their_failover(stack: ExitStack, serve: Serve, tmp_path: Path) -> None:
    master = serve("--port", port := free_port())
    replica = serve("--port", free_port(), "--replicaof", f"127.0.0.1 {port}")
    sentinel = start_sentinel(stack, tmp_path, port)
    import redis

    watch: Any = redis.Redis(port=sentinel, decode_responses=True)
    stack.callback(watch.close)
    until(lambda: dict(watch.sentinel_master("bots")).get("num-slaves") == 1)
    outbox = opened(stack, f"redis+sentinel://127.0.0.1:{sentinel}/bots/0?prefix=mine")
    outbox.put([("a", event("before"))])
    assert not outbox.is_displaced
    until(lambda: replica.client().xlen("mine:in:a") == 1)
    os.kill(master.pid, signal.SIGKILL)
    outbox.put([("a", event("while it is away"))])
    assert outbox.is_displaced

    def is_back() -> bool:
        outbox.maintain()
        return not outbox.is_displaced and outbox.fleet.may_send

    until(is_back, 30)
    assert replica.client().role()[0] == "master"
    assert [entry.event.message for entry in outbox.claim("a", 5)] == ["before", "while it is away"]
