"""Is the setup right? Everything that can be asked without starting the bot, each answer with the way out."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ...config.destination import Destination
from ...config.loading import load_webhook_config
from ...config.model import WebhookConfig
from ...config.sources import describe_settings, find_problems, read_sources
from ...errors import ConfigError
from ...redaction.known_values import secret_values
from .bot import look_at_bot
from .files import look_at_storage, scan_tracked_files
from .report import Finding, Grade, Report
from .webhooks import describe_webhooks, fetch_webhooks, send_tests

__all__ = ["SECTIONS", "Finding", "Grade", "Report", "run_checks"]
SECTIONS: Final = ("configuration", "webhooks", "bot", "storage", "git")


async def run_checks(*, sends: bool = False, only: Collection[str] = SECTIONS) -> Report:
    """Look at the settings of the working directory and of the environment, and at all that they name."""
    sources = read_sources()
    report = Report(describe_settings(sources))
    config, problems = _load()
    problems += [Finding(_grade(text), "settings", text) for text in find_problems(sources)]
    report.sections["configuration"] = problems or [Finding(Grade.OK, "settings", "every value can be used")]
    storage, stored = look_at_storage(config.storage)
    named = {destination.name for destination in config.destinations}
    made = [
        Destination(name, url, **config.destination_options.get(name, {})) for name, url in stored.items() if name not in named
    ]
    destinations = [*config.destinations, *made]
    webhooks, broken = {}, []
    if {"webhooks", "bot"} & set(only):
        webhooks, broken = await fetch_webhooks(destinations)
    token = sources.values.get("DISCORD_TOKEN", "").strip()
    names: dict[int, str] = {}
    if "bot" in only:
        note = Finding(Grade.NOTE, "bot", "without DISCORD_TOKEN its intents and permissions cannot be looked at")
        report.sections["bot"] = [note]
        if token:
            report.sections["bot"], names = await look_at_bot(token, config, webhooks.values())
    if "webhooks" in only:
        none = [] if destinations else [Finding(Grade.ERROR, "webhooks", "none; run /webhooks setup, or set WEBHOOK_ERROR_URL")]
        report.sections["webhooks"] = [*none, *broken, *describe_webhooks(destinations, webhooks, names)]
    if sends:
        report.sections["test messages"] = await send_tests(destinations, list(webhooks))
    if "storage" in only:
        report.sections["storage"] = storage
    if "git" in only:
        secrets = secret_values(sources.values) | {destination.url.token for destination in destinations}
        report.sections["git"] = scan_tracked_files(Path(), secrets)
    if "configuration" not in only:
        del report.sections["configuration"]
    return report


def _load() -> tuple[WebhookConfig, list[Finding]]:
    log = logging.getLogger("statsbot_webhooks.config.loading")
    before, log.disabled = log.disabled, True  # what it would log is in the report
    try:
        return load_webhook_config(), []
    except ConfigError as error:
        findings = [Finding(Grade.ERROR, "settings", problem) for problem in error.problems]
        findings.append(
            Finding(Grade.NOTE, "settings", "the bot would start without webhook logging; the rest is checked with defaults")
        )
        return WebhookConfig(), findings
    finally:
        log.disabled = before


def _grade(problem: str) -> Grade:
    return Grade.ERROR if "is not the URL" in problem else Grade.WARNING
