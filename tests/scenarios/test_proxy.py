"""A host whose only way out is a proxy: the bot's, the setting's or the environment's; webhooks, look-ups, heartbeat, `check`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import ssl
import subprocess
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from discord.ext import commands

from statsbot_webhooks import WebhookConfig
from statsbot_webhooks.cli import main
from statsbot_webhooks.sandbox import Sandbox
from statsbot_webhooks.sandbox.redirect import redirect

from ..conftest import new_bot, online, running_manager

PASSWORD = "hunter2-sEcReT"
# Nothing answers to that name: what arrives went through the proxy, which knows better.
NOWHERE = "discord.invalid"


class Proxy:
    """An HTTP proxy that knows CONNECT, and where `discord.invalid` is."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.credentials: set[str] = set()
        self.target: tuple[str, int] | None = None
        self.address = ""
        # The sandbox answers its own names only.
        self.host = b""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, url, _ = (await reader.readline()).decode().split()
        headers = []
        while (line := await reader.readline()).strip():
            headers.append(line)
            name, _, value = line.decode().partition(":")
            if name.lower() == "proxy-authorization":
                self.credentials.add(b64decode(value.split()[1]).decode())
        self.requests.append(f"{method} {url}")
        parts = urlsplit(url if "://" in url else f"//{url}")
        host, port = parts.hostname or "", parts.port or 80
        back, out = await asyncio.open_connection(*(self.target if host == NOWHERE and self.target else (host, port)))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            query = f"?{parts.query}" if parts.query else ""
            is_socket = any(line.lower().startswith(b"upgrade:") for line in headers)
            # One request for each connection is enough here.
            drop = (b"proxy-",) if is_socket else (b"proxy-", b"connection:")
            kept = b"".join(line for line in headers if not line.lower().startswith(drop))
            first = f"{method} {parts.path}{query} HTTP/1.1\r\n" + ("" if is_socket else "Connection: close\r\n")
            out.write(first.encode() + kept.replace(f"Host: {NOWHERE}".encode(), self.host) + b"\r\n")

        async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pipe(reader, out), pipe(back, writer))


@asynccontextmanager
async def serving(handle: Any, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def proxy(sandbox: Sandbox) -> AsyncIterator[Proxy]:
    proxy = Proxy()
    parts = urlsplit(sandbox.base_url)
    proxy.target, proxy.host = (parts.hostname or "", parts.port or 0), f"Host: {parts.netloc}".encode()
    async with serving(proxy.handle) as port:
        proxy.address = f"http://user:{PASSWORD}@127.0.0.1:{port}"
        yield proxy


@pytest.fixture
def closed_road(sandbox: Sandbox):
    """discord.py looks for Discord where only the proxy can go."""
    with redirect(f"http://{NOWHERE}"):
        yield


@pytest.mark.parametrize("way", ["setting", "environment"])
async def test_messages_take_the_proxy(
    sandbox: Sandbox, urls: dict[str, Any], proxy: Proxy, closed_road: None, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "environment":
        monkeypatch.setenv("http_proxy", proxy.address)
    config = WebhookConfig(**urls, batch_timeout_seconds=0, proxy=proxy.address if way == "setting" else None)
    async with running_manager(config) as manager:
        await manager.send_log("ERROR", "through the wall")
        await manager.flush(10)
        assert (await manager.stats()).delivered == 1
    assert sandbox.messages("error")
    assert any(request.startswith("GET") for request in proxy.requests)
    assert proxy.credentials == {f"user:{PASSWORD}"}


async def test_none_is_the_direct_way(
    sandbox: Sandbox, urls: dict[str, Any], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.address)
    async with running_manager(WebhookConfig(**urls, proxy="none", batch_timeout_seconds=0)) as manager:
        await manager.send_log("ERROR", "straight")
        await manager.flush(10)
    assert sandbox.messages("error")
    assert proxy.requests == []


async def test_a_proxy_set_by_a_reload(sandbox: Sandbox, urls: dict[str, Any], proxy: Proxy, closed_road: None) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0, breaker_failures=100)) as manager:
        await manager.send_log("ERROR", "waits")
        await manager.reconfigure(WebhookConfig(**urls, batch_timeout_seconds=0, breaker_failures=100, proxy=proxy.address))
        await sandbox.wait_until(lambda: bool(sandbox.messages("error")), 20)


# aiohttp 3.14 has another name for credentials, which discord.py does not use yet.
@pytest.mark.filterwarnings("ignore:.*(BasicAuth|proxy_auth).*:DeprecationWarning")
async def test_the_proxy_of_the_bot(
    sandbox: Sandbox, env: pytest.MonkeyPatch, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    address = proxy.address.replace(f"user:{PASSWORD}@", "")
    env.setenv("WEBHOOK_HEARTBEAT_URL", f"{sandbox.base_url}/heartbeat")
    env.setenv("WEBHOOK_HEARTBEAT_INTERVAL_SECONDS", "0.2")
    async with new_bot(commands.Bot, proxy=address, proxy_auth=aiohttp.BasicAuth("user", PASSWORD)) as bot:
        await bot.load_extension("statsbot_webhooks")
        async with online(bot, sandbox):
            logging.getLogger("shop").error("the password is %s", PASSWORD)
            await sandbox.wait_until(lambda: bool(sandbox.messages("error")))
            await sandbox.wait_until(lambda: any("/heartbeat" in request for request in proxy.requests))
    assert any("POST" in request and "/webhooks/" in request for request in proxy.requests)
    assert proxy.credentials == {f"user:{PASSWORD}"}
    shown = "".join(message.text for message in sandbox.messages("error"))
    assert "the password is" in shown
    assert "sEcReT" not in shown


async def test_check_takes_the_proxy(
    sandbox: Sandbox, env: pytest.MonkeyPatch, proxy: Proxy, closed_road: None, capsys: pytest.CaptureFixture[str]
) -> None:
    env.setenv("WEBHOOK_PROXY", proxy.address)
    env.setenv("DISCORD_TOKEN", sandbox.bot_token)
    code = await asyncio.to_thread(main, ["check", "--send", "--only", "webhooks", "--only", "bot"])
    text = capsys.readouterr().out
    assert "posts to channel #errors" in text
    assert "logged in as" in text
    assert "the test message is there" in text
    assert code == 0, text
    assert PASSWORD not in text


async def test_a_proxy_that_refuses_is_named(
    sandbox: Sandbox, env: pytest.MonkeyPatch, urls: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with serving(refuse) as port:
        with redirect(f"https://{NOWHERE}"):
            # A password of three letters is in no list of what is redacted.
            env.setenv("WEBHOOK_PROXY", f"http://user:q7z@127.0.0.1:{port}")
            config = WebhookConfig(**urls, batch_timeout_seconds=0, proxy=f"http://user:q7z@127.0.0.1:{port}")
            async with running_manager(config) as manager:
                await manager.send_log("ERROR", "not through the tunnel")
                worker = manager.workers["error"]
                await sandbox.wait_until(lambda: worker.last_error, 30)
                failed = worker.last_error
            await asyncio.to_thread(main, ["check", "--only", "webhooks"])
    text = capsys.readouterr().out
    assert failed == "connection failed (the proxy answered 407)"
    assert "Discord cannot be reached (the proxy answered 407)" in text
    assert "q7z" not in text


@pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate is made with openssl")
@pytest.mark.parametrize("trusted", [True, False])
async def test_connect_and_a_certificate_authority_of_the_host(
    sandbox: Sandbox, urls: dict[str, Any], proxy: Proxy, tmp_path: Path, trusted: bool
) -> None:
    arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "2"]
    arguments += ["-subj", f"/CN={NOWHERE}", "-addext", f"subjectAltName=DNS:{NOWHERE}"]
    await asyncio.to_thread(subprocess.run, ["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    plain = proxy.target
    assert plain is not None

    async def unwrap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, out = await asyncio.open_connection(*plain)

        async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data.replace(f"Host: {NOWHERE}".encode(), proxy.host))
                await sink.drain()
            sink.close()

        await asyncio.gather(pipe(reader, out), pipe(back, writer))

    bundle = str(tmp_path / "ca.pem") if trusted else None
    async with serving(unwrap, context) as port:
        proxy.target = ("127.0.0.1", port)
        with redirect(f"https://{NOWHERE}"):
            config = WebhookConfig(**urls, batch_timeout_seconds=0, proxy=proxy.address, ca_bundle=bundle)
            async with running_manager(config) as manager:
                await manager.send_log("ERROR", "through the tunnel")
                worker = manager.workers["error"]
                await sandbox.wait_until(lambda: sandbox.messages("error") or worker.last_error, 30)
                failed = worker.last_error
    assert proxy.requests[0] == f"CONNECT {NOWHERE}:443"
    assert bool(sandbox.messages("error")) is trusted
    assert trusted or "Certificate" in failed
