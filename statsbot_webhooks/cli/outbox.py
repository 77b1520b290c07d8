"""`outbox`: look at the storage of a bot that is not running, or of a fleet, and decide about its dead letters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ..config.loading import build_config
from ..config.sources import read_sources
from ..errors import StorageError
from ..events.time_text import date_text, format_count
from ..formatting.full_text import format_text
from ..storage import DeadLetter, Outbox, open_existing
from . import terminal

_MOST: Final = 10_000
_EXAMPLES: Final = """\
examples:
  statsbot-webhooks outbox list            what waits, and what Discord refused, with numbers
  statsbot-webhooks outbox list --json     the same for a script
  statsbot-webhooks outbox show 17         one event in full
  statsbot-webhooks outbox replay --all    send all refused events again when the bot starts
  statsbot-webhooks outbox purge 17 --yes  delete one without a question
  statsbot-webhooks outbox move sqlite:///bot.sqlite3 redis://localhost?prefix=bot

exit codes: 0 done, 1 it could not be done"""


def add_parser(commands: Any) -> None:
    """Add the command and its four actions."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "outbox",
        help="show what waits in the storage and what Discord refused; send it again or delete it",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--storage", metavar="URL", help="sqlite:///file.sqlite3 or redis://host (default: WEBHOOK_STORAGE)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    move = actions.add_parser("move", help="move everything to another storage, as from a file to a Redis; stop the bot first")
    move.add_argument("source", metavar="SOURCE", help="where it is, such as sqlite:///file.sqlite3")
    move.add_argument("target", metavar="TARGET", help="where it goes, such as redis://host?prefix=mybot")
    move.set_defaults(run=_move)
    for name, (action, meaning) in _ACTIONS.items():
        each = actions.add_parser(name, help=meaning)
        each.set_defaults(run=_run, act=action)
        if name == "list":
            each.add_argument("--json", action="store_true", help="print JSON")
            continue
        each.add_argument("ids", metavar="ID", type=terminal.number, nargs="*", help="the numbers that `list` shows")
        each.add_argument("--all", action="store_true", help="every dead letter")
        if name == "purge":
            each.add_argument("--yes", action="store_true", help="delete without a question")


def _move(options: argparse.Namespace) -> int:
    # It needs every backend, which the other actions do not.
    from ..storage.moving import move_all

    moved = move_all(options.source, options.target)
    entries, letters = format_count(moved.entries, "waiting event"), format_count(moved.letters, "dead letter")
    print(f"moved: {entries}, {letters}, {moved.state} choices and cards")
    return 0


def storage_url(given: str | None) -> str:
    """Return the storage that is asked for: the one given, else that of the settings."""
    return given or build_config(read_sources()).config.storage


def _run(options: argparse.Namespace) -> int:
    outbox = open_existing(storage_url(options.storage))
    try:
        return options.act(outbox, options)
    finally:
        outbox.close()


def _list(outbox: Outbox, options: argparse.Namespace) -> int:
    depths, letters = sorted(outbox.depths().items()), outbox.dead_letters(_MOST)
    if options.json:
        waiting = [
            {"destination": name, "events": depth.entries, "urgent": depth.urgent, "oldest": _iso(depth.oldest)}
            for name, depth in depths
        ]
        print(json.dumps({"waiting": waiting, "dead_letters": [_to_json(letter) for letter in letters]}, indent=2))
        return 0
    for name, depth in depths:
        oldest = f", the oldest of {date_text(depth.oldest)} UTC" if depth.oldest is not None else ""
        print(f"{name}: {format_count(depth.entries, 'event waits', 'events wait')} ({depth.urgent} ERROR or above{oldest})")
    print(format_count(len(letters), "dead letter") + (":" if letters else ""))
    for letter in letters:
        message = " ".join(letter.event.message.split())
        head = f"{letter.id:>6}  {date_text(letter.time)} UTC  {letter.destination}  {letter.event.level.value}"
        print(f"{head}  {message[:80]}  ({letter.reason[:80]})")
    return 0


def _show(outbox: Outbox, options: argparse.Namespace) -> int:
    for letter in _chosen(outbox, options):
        print(f"{letter.id} for {letter.destination}, refused {date_text(letter.time)} UTC: {letter.reason}")
        print(format_text(letter.event), end="\n\n")
    return 0


def _replay(outbox: Outbox, options: argparse.Namespace) -> int:
    letters = outbox.replay([letter.id for letter in _chosen(outbox, options)])
    print(f"{format_count(len(letters), 'event waits again; it is', 'events wait again; they are')} sent when the bot starts")
    return 0


def _purge(outbox: Outbox, options: argparse.Namespace) -> int:
    letters = _chosen(outbox, options)
    if not options.yes and not _confirm(f"Delete {format_count(len(letters), 'dead letter')} for good? [y/N] "):
        raise StorageError("nothing is deleted; answer y, or give --yes")
    count = outbox.purge([letter.id for letter in letters])
    print(f"{format_count(count, 'dead letter is', 'dead letters are')} deleted")
    return 0


def _confirm(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, OSError):
        # There is nothing to read an answer from.
        print()
        return False


def _chosen(outbox: Outbox, options: argparse.Namespace) -> Sequence[DeadLetter]:
    if not options.ids and not options.all:
        raise StorageError("name the dead letters by their numbers (`outbox list` shows them), or give --all")
    letters = outbox.dead_letters(_MOST, None if options.all else options.ids)
    missing = set(options.ids) - {letter.id for letter in letters}
    if missing:
        raise StorageError(f"there is no dead letter {', '.join(map(str, sorted(missing)))}; `outbox list` shows them")
    return letters


def _to_json(letter: DeadLetter) -> dict[str, Any]:
    event = letter.event
    return {
        "id": letter.id,
        "destination": letter.destination,
        "refused": _iso(letter.time),
        "reason": letter.reason,
        "level": event.level.value,
        "kind": event.kind.value,
        "time": _iso(event.time),
        "origin": event.origin,
        "message": event.message,
    }


def _iso(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")


_ACTIONS: Final[dict[str, tuple[Callable[[Outbox, argparse.Namespace], int], str]]] = {
    "list": (_list, "what waits, and the dead letters: events that Discord refused"),
    "show": (_show, "print dead letters in full"),
    "replay": (_replay, "send dead letters again when the bot starts"),
    "purge": (_purge, "delete dead letters"),
}
