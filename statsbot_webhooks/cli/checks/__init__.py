"""`check`: is the setup right? Everything that can be asked without starting the bot, each answer with the way out.

One file for each subject; this one has the command and the order of the sections.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ...config.description import describe_settings
from ...config.destination import Destination
from ...config.field_types import Buttons
from ...config.loading import Loaded, build_config
from ...config.network import Network
from ...config.sources import read_sources, read_values
from ...redaction.known_values import secret_values
from ...redaction.value_index import KnownValues
from .bot import look_at_bot
from .files import look_at_storage, scan_tracked_files
from .monitoring import look_at_monitoring, send_to_fallback
from .report import Finding, Grade, Report
from .webhooks import describe_buttons, describe_webhooks, fetch_webhooks, send_tests

__all__ = ["SECTIONS", "Finding", "Grade", "Report", "add_parser", "run_checks"]
SECTIONS: Final = ("configuration", "webhooks", "bot", "storage", "git")
_EXAMPLES: Final = """\
examples:
  statsbot-webhooks check                      look at everything, and send nothing
  statsbot-webhooks check --send               also send one test message to each webhook
  statsbot-webhooks check --json --only git    for a script: secrets in tracked files

exit codes: 0 nothing is wrong, 1 something is"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "check",
        help="check settings, webhooks, permissions and storage, and look for secrets in files that git tracks",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--send", action="store_true", help="also send one test message to each webhook")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="check this section only; may be given several times")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Print the report; 0 when nothing is an error."""
    report = asyncio.run(run_checks(sends=options.send, only=options.only or SECTIONS))
    print(json.dumps(report.to_json(), indent=2) if options.json else report.to_text())
    return 0 if report.is_good else 1


async def run_checks(*, sends: bool = False, only: Collection[str] = SECTIONS) -> Report:
    """Look at the settings of the working directory and of the environment, and at all that they name."""
    sources = read_sources()
    loaded = build_config(sources)
    config = loaded.config
    network = Network.of(config)
    report = Report(describe_settings(sources))
    if "configuration" in only:
        report.sections["configuration"] = [*_describe_settings(loaded), *look_at_monitoring(config)]
    storage, stored = look_at_storage(config.storage)
    named = {destination.name for destination in config.destinations}
    made = [
        Destination(name, url, **config.destination_options.get(name, {})) for name, url in stored.items() if name not in named
    ]
    destinations = [*config.destinations, *made]
    webhooks, broken = {}, []
    if {"webhooks", "bot"} & set(only):
        webhooks, broken = await fetch_webhooks(destinations, network)
    token = sources.variables.get("DISCORD_TOKEN", "").strip()
    names: dict[int, str] = {}
    application_id = None
    if "bot" in only:
        note = Finding(Grade.NOTE, "bot", "without DISCORD_TOKEN its intents and permissions cannot be looked at")
        report.sections["bot"] = [note]
        if token:
            report.sections["bot"], names, application_id = await look_at_bot(token, config, webhooks.values(), network)
    if "webhooks" in only:
        none = [] if destinations else [Finding(Grade.ERROR, "webhooks", "none; run /webhooks setup, or set WEBHOOK_ERROR_URL")]
        report.sections["webhooks"] = [*none, *broken, *describe_webhooks(destinations, webhooks, names)]
        if config.buttons == Buttons.AUTO:
            report.sections["webhooks"] += await describe_buttons(destinations, webhooks, application_id, network)
    if sends:
        report.sections["test messages"] = await send_tests(destinations, list(webhooks), network)
        report.sections["test messages"] += await send_to_fallback(config, network)
    if "storage" in only:
        report.sections["storage"] = storage
    secrets = secret_values(read_values()) | {destination.url.token for destination in destinations}
    if "git" in only:
        report.sections["git"] = scan_tracked_files(Path(), secrets)
    return report.rewritten(KnownValues(secrets).redact_text)


def _describe_settings(loaded: Loaded) -> list[Finding]:
    findings = [Finding(Grade.ERROR, "settings", problem) for problem in loaded.problems]
    findings += [Finding(Grade.NOTE, "settings", note) for note in loaded.notes]
    return findings or [Finding(Grade.OK, "settings", "every value can be used")]
