"""`forget`: delete what the storage of a bot that is not running still holds of a person."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from ..clock import SystemClock
from ..config.sources import read_sources
from ..events.time_text import format_count
from ..storage import open_existing, storage_path
from ..storage.erasure import forget, trace_of
from ..storage.erasure_requests import ask_others
from ..storage.json_lines import JsonLines
from ..storage.mask_key import read_mask_key
from . import terminal
from .outbox import storage_url

_EXAMPLES: Final = """\
examples:
  statsbot-webhooks forget 123456789012345678              what names the person by id
  statsbot-webhooks forget 123456789012345678 --name mia   also what names the person only so

exit codes: 0 done, 1 the storage cannot be used, as while the bot runs"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "forget",
        help="delete what the storage still holds of a person: waiting events, dead letters, cards, expired files, the JSON log",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("user", metavar="USER_ID", type=terminal.number, help="the person's Discord id")
    parser.add_argument("--name", metavar="NAME", action="append", default=[], help="also events that only name the person")
    parser.add_argument("--storage", metavar="URL", help="sqlite:///file.sqlite3 or redis://host (default: WEBHOOK_STORAGE)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    url = storage_url(options.storage)
    outbox = open_existing(url)
    path = storage_path(url)
    try:
        trace = trace_of(options.user, options.name, read_mask_key(outbox) or b"")
        ask_others(outbox, trace, SystemClock().now())
        gone = forget(outbox, path, trace)
    finally:
        outbox.close()
    log = read_sources().settings.get("WEBHOOK_JSON_LOG")
    lines = JsonLines(Path(log), 0).filter(lambda line: not trace.is_in(line)) if log else 0
    waiting = sum(gone.entries.values())
    print(
        f"deleted: waiting events {waiting}, dead letters {gone.dead}, cards {gone.cards}, expired events {gone.expired}, "
        f"damaged files {gone.damaged}"
    )
    if log:
        print(f"deleted in {Path(log).name}: {format_count(lines, 'line')}")
    if outbox.fleet.name:
        print("Each process of the fleet now deletes what it holds itself; one that is down does so when it starts.")
    print("What Discord shows already is not touched: delete those messages there.")
    return 0
