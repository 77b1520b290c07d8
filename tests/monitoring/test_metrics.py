"""The counters for Prometheus: every documented name, an endpoint of their own, and what it costs when it cannot be had."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks import WebhookConfig, WebhookManager, load_webhook_config
from statsbot_webhooks.errors import ConfigError
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager

prometheus = pytest.importorskip("prometheus_client")
DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def values(text: str) -> dict[str, float]:
    """Return every sample of an exposition by its name and labels."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {series: float(value) for series, _, value in lines if not series.startswith("python_")}


def scrape(manager: WebhookManager) -> dict[str, float]:
    registry = prometheus.CollectorRegistry()
    registry.register(manager.metrics_collector())
    return values(prometheus.generate_latest(registry).decode())


async def get(port: int) -> str:
    """Read the endpoint, which begins to listen soon after the start."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            try:
                return await read(session, port)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)


async def read(session: aiohttp.ClientSession, port: int) -> str:
    async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.status == 200
        return await response.text()


async def is_closed(port: int) -> bool:
    async with aiohttp.ClientSession() as session:
        try:
            await read(session, port)
        except aiohttp.ClientConnectorError:
            return True
        return False


async def test_the_endpoint_shows_the_counters(sandbox: Sandbox, urls: dict[str, Any], unused_tcp_port: int) -> None:
    config = WebhookConfig(**urls, batch_timeout_seconds=0, metrics_port=unused_tcp_port)
    async with running_manager(config) as manager:
        await manager.send_log("ERROR", "one")
        await manager.send_log("DEBUG", "wanted nowhere")
        await manager.flush(10)
        found = values(await get(unused_tcp_port))
        stats = await manager.stats()
    error = stats.destinations["error"]
    assert found['statsbot_webhooks_events_accepted_total{destination="error"}'] == error.accepted == 1
    assert found['statsbot_webhooks_events_delivered_total{destination="error"}'] == error.delivered == 1
    assert found['statsbot_webhooks_requests_total{destination="error"}'] == error.requests
    assert found["statsbot_webhooks_events_filtered_total"] == stats.filtered == 1
    assert found['statsbot_webhooks_destination_state{destination="error",state="working"}'] == 1
    assert found['statsbot_webhooks_destination_state{destination="error",state="gone"}'] == 0
    assert found['statsbot_webhooks_last_delivery_timestamp_seconds{destination="error"}'] > 1.7e9
    # Nothing listens any more, and the port is free.
    assert await is_closed(unused_tcp_port)


async def test_every_documented_name_is_there_and_no_other(sandbox: Sandbox, urls: dict[str, Any], tmp_path: Path) -> None:
    if not DOCUMENT.exists():
        pytest.skip("no docs here: these tests run from a wheel")
    documented = set(re.findall(r"^\| `(statsbot_webhooks_\w+)` ", DOCUMENT.read_text("utf-8"), re.M))
    config = WebhookConfig(**urls, storage="memory://", json_log=str(tmp_path / "log.jsonl"), batch_timeout_seconds=0)
    async with running_manager(config) as manager:
        await manager.send_log("ERROR", "one")
        await manager.flush(10)
        sandbox.fault("error", "500")
        await manager.send_log("ERROR", "never arrives")
        found = {*scrape(manager)}
        await manager.stop(0.3)
        found |= {*scrape(manager)}
    assert {series.partition("{")[0] for series in found} == documented


async def test_waiting_events_and_losses_are_seen_without_the_storage(urls: dict[str, Any]) -> None:
    config = WebhookConfig(**urls, storage="memory://", storage_max_events=2)
    manager = WebhookManager(config)
    for number in range(5):
        await manager.send_log("ERROR", f"number {number}")
    found = scrape(manager)
    assert found["statsbot_webhooks_events_incoming"] == 2
    assert found["statsbot_webhooks_events_refused_total"] == 3


async def test_counters_of_prometheus_never_go_down(sandbox: Sandbox, urls: dict[str, Any]) -> None:
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=3600)) as manager:
        registry = prometheus.CollectorRegistry()
        registry.register(manager.metrics_collector())
        await manager.send_member_event("join", 1, "anna")
        await manager._intake.settle()
        name = 'statsbot_webhooks_events_accepted_total{destination="member_events"}'
        assert values(prometheus.generate_latest(registry).decode())[name] == 1
        # Its destination is taken away: the event is another's.
        del urls["member_events_webhook_url"]
        await manager.reconfigure(WebhookConfig(**urls, batch_timeout_seconds=3600))
        while (await manager.stats()).destinations["error"].accepted == 0:
            await asyncio.sleep(0.01)
        found = values(prometheus.generate_latest(registry).decode())
        assert found[name] == 1
        assert found['statsbot_webhooks_events_accepted_total{destination="error"}'] == 1


async def test_a_port_in_use_costs_itself_only(sandbox: Sandbox, urls: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0, metrics_port=port)) as manager:
            await sandbox.wait_until(lambda: "WEBHOOK_METRICS_PORT" in caplog.text, 10)
            await manager.send_log("ERROR", "arrives")
            await manager.flush(10)
    assert sandbox.messages("error")
    assert len([record for record in caplog.records if "WEBHOOK_METRICS_PORT" in record.message]) == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in caplog.text


async def test_without_the_extra_one_line_says_what_to_install(
    sandbox: Sandbox,
    urls: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> None:
    def missing(name: str, *_: object) -> object:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    async with running_manager(WebhookConfig(**urls, batch_timeout_seconds=0, metrics_port=9464)) as manager:
        await manager.send_log("ERROR", "arrives")
        await manager.flush(10)
        with pytest.raises(ImportError, match="statsbot_webhooks"):
            manager.metrics_collector()
    assert sandbox.messages("error")
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        'WEBHOOK_METRICS_PORT: metrics need the extra "metrics": pip install "statsbot_webhooks[metrics]"'
    ]


async def test_it_answers_while_the_event_loop_is_blocked(sandbox: Sandbox, urls: dict[str, Any], unused_tcp_port: int) -> None:
    answered = threading.Event()

    def ask() -> None:
        with socket.create_connection(("127.0.0.1", unused_tcp_port), 5) as client:
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            if client.recv(100).startswith(b"HTTP/1.0 200"):
                answered.set()

    async with running_manager(WebhookConfig(**urls, metrics_port=unused_tcp_port)):
        await get(unused_tcp_port)
        thread = threading.Thread(target=ask)
        thread.start()
        assert answered.wait(5)
        thread.join()


async def test_the_port_can_change_while_it_runs(sandbox: Sandbox, urls: dict[str, Any], unused_tcp_port_factory: Any) -> None:
    first, second = unused_tcp_port_factory(), unused_tcp_port_factory()
    async with running_manager(WebhookConfig(**urls, metrics_port=first)) as manager:
        await get(first)
        await manager.reconfigure(WebhookConfig(**urls, metrics_port=second))
        await get(second)
        assert await is_closed(first)
        await manager.reconfigure(WebhookConfig(**urls))
        assert await is_closed(second)


def test_it_is_off_by_default_and_listens_at_this_machine_only() -> None:
    config = load_webhook_config({})
    assert (config.metrics_port, config.metrics_host) == (None, "127.0.0.1")
    for wrong in ({"WEBHOOK_METRICS_PORT": "0"}, {"WEBHOOK_METRICS_PORT": "many"}, {"WEBHOOK_METRICS_HOST": "a b"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            load_webhook_config(wrong)
    assert load_webhook_config({"WEBHOOK_METRICS_HOST": "[::1]"}).metrics_host == "::1"
