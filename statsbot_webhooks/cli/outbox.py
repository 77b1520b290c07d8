"""`outbox`: look at the storage file of a bot that is not running, and decide about its dead letters."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ..config.loading import load_webhook_config
from ..errors import StorageError
from ..formatting.full_text import format_text
from ..storage import DeadLetter, SqliteOutbox, open_existing

_MOST: Final = 10_000


def add_parser(commands: Any) -> None:
    """Add the command and its four actions."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "outbox", help="what waits in the storage, and the events that Discord refused"
    )
    parser.add_argument("--storage", metavar="URL", help="sqlite:///file.sqlite3 (default: WEBHOOK_STORAGE)")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, (action, meaning) in _ACTIONS.items():
        each = actions.add_parser(name, help=meaning)
        each.set_defaults(run=_run, act=action)
        if name != "list":
            each.add_argument("ids", metavar="ID", type=int, nargs="*", help="the numbers that `list` shows")
            each.add_argument("--all", action="store_true", help="every dead letter")


def _run(options: argparse.Namespace) -> int:
    outbox = open_existing(options.storage or load_webhook_config().storage)
    try:
        return options.act(outbox, options)
    finally:
        outbox.close()


def _list(outbox: SqliteOutbox, _options: argparse.Namespace) -> int:
    for name, depth in sorted(outbox.depths().items()):
        oldest = f", the oldest of {_time_text(depth.oldest)}" if depth.oldest is not None else ""
        print(f"{name}: {depth.entries} events wait ({depth.urgent} ERROR or above{oldest})")
    letters = outbox.dead_letters(_MOST)
    print(f"{len(letters)} dead letters" + (":" if letters else ""))
    for letter in letters:
        message = " ".join(letter.event.message.split())
        head = f"{letter.id:>6}  {_time_text(letter.time)}  {letter.destination}  {letter.event.level.value}"
        print(f"{head}  {message[:80]}  ({letter.reason[:80]})")
    return 0


def _show(outbox: SqliteOutbox, options: argparse.Namespace) -> int:
    for letter in _chosen(outbox, options):
        print(f"{letter.id} for {letter.destination}, refused {_time_text(letter.time)}: {letter.reason}")
        print(format_text(letter.event), end="\n\n")
    return 0


def _replay(outbox: SqliteOutbox, options: argparse.Namespace) -> int:
    letters = outbox.replay([letter.id for letter in _chosen(outbox, options)])
    print(f"{len(letters)} events wait again; they are sent when the bot starts")
    return 0


def _purge(outbox: SqliteOutbox, options: argparse.Namespace) -> int:
    print(f"{outbox.purge([letter.id for letter in _chosen(outbox, options)])} dead letters are deleted")
    return 0


def _chosen(outbox: SqliteOutbox, options: argparse.Namespace) -> Sequence[DeadLetter]:
    if not options.ids and not options.all:
        raise StorageError("name the dead letters by their numbers (`outbox list` shows them), or give --all")
    letters = outbox.dead_letters(_MOST, None if options.all else options.ids)
    missing = set(options.ids) - {letter.id for letter in letters}
    if missing:
        raise StorageError(f"there is no dead letter {', '.join(map(str, sorted(missing)))}; `outbox list` shows them")
    return letters


def _time_text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_ACTIONS: Final[dict[str, tuple[Callable[[SqliteOutbox, argparse.Namespace], int], str]]] = {
    "list": (_list, "what waits, and the dead letters"),
    "show": (_show, "whole dead letters"),
    "replay": (_replay, "send dead letters again when the bot starts"),
    "purge": (_purge, "delete dead letters"),
}
