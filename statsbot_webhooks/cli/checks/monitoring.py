"""The ways beside Discord: the port of the metrics, the JSON log, the fallback. Nothing is kept open or written."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ...config.model import WebhookConfig
from ...config.network import Network
from ...monitoring.fallback_alert import Address, post
from ...monitoring.stats_collector import require_client
from .report import Finding, Grade


def look_at_monitoring(config: WebhookConfig) -> list[Finding]:
    """Say whether what the settings ask for can be done."""
    findings: list[Finding] = []
    if config.metrics_port is not None:
        findings.append(_look_at_port(config.metrics_host, config.metrics_port))
    if config.json_log is not None:
        findings.append(_look_at_log(Path(config.json_log)))
    return findings


def _look_at_port(host: str, port: int) -> Finding:
    try:
        require_client()
    except ImportError as error:
        return Finding(Grade.ERROR, "metrics", str(error))
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = error.strerror or error
        return Finding(Grade.NOTE, "metrics", f"port {port} of {host} cannot be used now ({reason}); a running bot has it")
    return Finding(Grade.OK, "metrics", f"will be at http://{f'[{host}]' if ':' in host else host}:{port}/metrics")


def _look_at_log(path: Path) -> Finding:
    if path.is_symlink():
        return Finding(Grade.ERROR, "JSON log", f"{path.name} is a symbolic link, which is not followed")
    place = path if path.exists() else path.absolute().parent
    if not os.access(place, os.W_OK) or path.is_dir():
        return Finding(
            Grade.ERROR, "JSON log", f"{path.name} cannot be written: make its folder, and let the bot's user write there"
        )
    return Finding(Grade.OK, "JSON log", f"{path.name} can be written")


async def send_to_fallback(config: WebhookConfig, network: Network) -> list[Finding]:
    """Send a test to the fallback, if there is one."""
    if config.fallback_url is None:
        return []
    problem = await post(
        Address(config.fallback_url.get_secret_value(), network), "Test message of `statsbot-webhooks check --send`"
    )
    if problem:
        return [Finding(Grade.ERROR, "WEBHOOK_FALLBACK_URL", f"the test message {problem}")]
    return [Finding(Grade.OK, "WEBHOOK_FALLBACK_URL", "took the test message")]
