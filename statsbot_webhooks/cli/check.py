"""`check`: what is wrong with a setup, before the bot is started."""

from __future__ import annotations

import argparse
import asyncio
import json

from .checks import SECTIONS, run_checks


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("check", help="settings, webhooks, permissions, storage, and secrets in files that git tracks")
    parser.add_argument("--send", action="store_true", help="also send one test message to each webhook")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="just this; may be given several times")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the report; 0 when nothing is an error."""
    report = asyncio.run(run_checks(sends=options.send, only=options.only or SECTIONS))
    print(json.dumps(report.to_json(), indent=2) if options.json else report.to_text())
    return 0 if report.is_good else 1
