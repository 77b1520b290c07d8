"""`settings`: what holds and from where, or the whole list as the document that the project ships."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from typing import Final

from ..config.description import describe_settings, find_problems
from ..config.documentation import make_markdown
from ..config.sources import Source, read_sources, read_values
from ..redaction.known_values import secret_values
from ..redaction.value_index import KnownValues

_EXAMPLES: Final = """\
examples:
  statsbot-webhooks settings               what is set, and where it comes from
  statsbot-webhooks settings --all         also what has its default
  statsbot-webhooks settings --markdown    every setting explained: docs/settings.md

exit codes: 0 every setting can be used, 1 one is wrong or unknown"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "settings",
        help="show the settings and where each comes from, or explain them all",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="also show settings that have their default")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print every setting as JSON")
    shape.add_argument("--markdown", action="store_true", help="print the document that explains every setting")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.markdown:
        print(make_markdown(), end="")
        return 0
    sources = read_sources()
    clean = KnownValues(secret_values(read_values())).redact_text
    settings = [replace(each, value=clean(each.value)) for each in describe_settings(sources)]
    problems = list(map(clean, find_problems(sources)))
    if options.json:
        print(json.dumps({"settings": [asdict(each) for each in settings], "problems": problems}, indent=2))
    else:
        shown = [each for each in settings if options.all or each.source != Source.DEFAULT]
        for each in shown:
            print(f"{each.name} = {each.value}  ({each.source.value})")
        if not options.all:
            print(f"{len(settings) - len(shown)} settings have their default; --all shows them")
        for problem in problems:
            print(problem, file=sys.stderr)
    return 1 if problems else 0
