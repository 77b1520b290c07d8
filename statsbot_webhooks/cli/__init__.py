"""The command line. One module for each command, with `add_parser(commands)` that names its `run(options) -> int`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..errors import WebhookLoggingError
from . import checks, demo, forget, outbox, sandbox, settings

# A new command: a module here, and its name in this line.
_COMMANDS = (demo, checks, settings, sandbox, outbox, forget)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. What is expected to fail is said in one line on stderr."""
    parser = argparse.ArgumentParser("python -m statsbot_webhooks", description="Webhook logging for discord.py bots.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"statsbot_webhooks: {error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    except WebhookLoggingError as error:
        print(f"statsbot_webhooks: {error}", file=sys.stderr)
        return 1
    return code
