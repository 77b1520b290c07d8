"""The command line. One module for each command, with `add_parser(commands)` that names its `run(options) -> int`."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from typing import Final

from ..config.version import PACKAGE_VERSION
from ..errors import WebhookLoggingError
from . import checks, demo, forget, outbox, sandbox, settings

# A new command: a module here, and its name in this line.
_COMMANDS = (demo, checks, settings, sandbox, outbox, forget)
_EXAMPLES: Final = """\
examples:
  statsbot-webhooks demo                 look at it: 15 seconds of a bot's life in a local Discord
  statsbot-webhooks check                is everything right, before the bot is started?
  statsbot-webhooks sandbox --run bot.py your bot in a local Discord
  statsbot-webhooks outbox list          what waits, and what Discord refused

exit codes: 0 all is well, 1 something is wrong (it is said in one line), 2 wrong arguments, 130 ended by Ctrl-C

`python -m statsbot_webhooks` is the same command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. What is expected to fail is said in one line on stderr."""
    _print_in_any_encoding()
    parser = argparse.ArgumentParser(
        "statsbot-webhooks",
        description="Webhook logging for discord.py bots.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"statsbot-webhooks {PACKAGE_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `... | head`: who reads has enough. What Python would still write at its end goes nowhere.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.close()
        return 1
    except OSError as error:
        print(f"statsbot-webhooks: {error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    except WebhookLoggingError as error:
        print(f"statsbot-webhooks: {error}", file=sys.stderr)
        return 1
    return code


def _print_in_any_encoding() -> None:
    """Show what a console cannot encode as escapes: a Windows pipe, LANG=C and cron know no emoji."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
