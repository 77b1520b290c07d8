"""`docs/settings.md`, made from the configuration: each field with its type, its default and the text below it in the source."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from . import model
from .destination import RESERVED
from .field_types import describe_type
from .model import NOT_SETTINGS, WebhookConfig, describe_default, setting_name
from .renewal import Renews, renews

# A field belongs to the first group whose expression finds its name.
_GROUPS: Final[Mapping[str, str]] = {
    "Destinations": r"_webhook_url\Z|\Adestinations\Z",
    "Secrets and persons": r"\A(?:mask|redact)_",
    "Storage": r"\A(?:storage|max_age)",
    "Slash commands": r"\A(?:admin|sync)_",
    "Monitoring": r"\A(?:metrics|json_log|fallback|heartbeat)",
    "Network": r"\A(?:proxy|ca_bundle|send_timeout)",
    "What is captured": r"\A(?:log_level|loggers|expected|ship|include_stack|slow|lifecycle|gateway|breadcrumbs)",
    "Members": r"\A(?:guild_ids|ignore_bots|raid)",
    "Health": r"warning|critical|\A(?:sample|alert|summary)",
    "How messages look": r"\A(?:use_embeds|include|max_message|templates|bot_version|source_url)",
    "Delivery": r"",
}
_INTRODUCTION: Final = """\
# Settings

<!-- Made by `make settings` from statsbot_webhooks/config/model.py: change the texts there. -->

A setting is an environment variable, or a line of `.env` in the bot's working directory; the environment goes first. All of
them are optional. `/webhooks settings` and `statsbot-webhooks settings` show what holds and where each value comes from;
`statsbot-webhooks check` says what is wrong. `/webhooks reload` reads `.env` anew while the bot runs.

- **A wrong value costs itself only**: its default holds, and the log and one card name every wrong setting. Settings of
  privacy are stricter: a mask setting that cannot be read counts as full masking, and with a redaction pattern that cannot be
  used nothing is delivered and events wait until it is right.
- **Secrets from files**: every setting can be given as `NAME_FILE`, the path of a file that holds the value, and as a
  credential of systemd (a file of that name in `$CREDENTIALS_DIRECTORY`). A setting that is given both ways is an error.
- `.env` may be UTF-8 (with or without a byte order mark) or UTF-16. Quotes around a value are taken off.
- In code, `WebhookConfig(batch_size=10)` has a field for each setting.
"""
_OWN: Final = f"""\
Any number of destinations of your own: `WEBHOOK_<NAME>_URL` is the webhook of the destination `<name>`. It is used when one of
the settings below is given for it, or when `WEBHOOK_DESTINATIONS` names it; another variable of that form may be your bot's own
and gets nothing. {", ".join(name.upper() for name in RESERVED[:-1])} and {RESERVED[-1].upper()} are no names of destinations.
The same settings are for the four above: `WEBHOOK_INFO_LEVEL=DEBUG`.

| Setting | Default | Value | Effect |
|---|---|---|---|
| `WEBHOOK_<NAME>_LEVEL` | the default routes | DEBUG, INFO, WARNING, ERROR or CRITICAL | The lowest level that goes there. |
| `WEBHOOK_<NAME>_EVENTS` | the default routes | log, error, performance, member, lifecycle | The kinds of events that go there. |
| `WEBHOOK_<NAME>_LOGGERS` | all | logger names, separated by commas | The loggers whose records go there. |
| `WEBHOOK_<NAME>_GUILDS` | all | ids of Discord, separated by commas | The servers whose events go there. |
| `WEBHOOK_<NAME>_THREAD_NAME` | none | a text of at most 80 characters | For a forum's webhook: how its posts' names begin. |
| `WEBHOOK_<NAME>_THREAD_MODE` | day | day or error | One post a day, or one for each error. |
| `WEBHOOK_<NAME>_TAGS` | none | names or ids, separated by commas | The forum's tags that each post gets; names need the bot. |

A URL may be on discord.com, ptb.discord.com or canary.discord.com. `?thread_id=` at its end sends to that thread.
"""


def make_markdown() -> str:
    """Return the whole document."""
    texts = field_texts()
    parts = [_INTRODUCTION]
    left = [item for item in fields(WebhookConfig) if item.name not in NOT_SETTINGS or item.name == "destinations"]
    for heading, pattern in _GROUPS.items():
        members = [item for item in left if re.search(pattern, item.name)]
        left = [item for item in left if item not in members]
        if not members:
            continue
        lines = ["| Setting | Default | Value | Effect |", "|---|---|---|---|"]
        for item in members:
            value = describe_type(item.type) if item.name != "destinations" else "names, separated by commas"
            text = texts[item.name] + (" Another value is for the next start." if Renews.STORAGE in renews(item) else "")
            default = describe_default(item.name)
            lines.append(
                f"| `{setting_name(item.name)}` | {default if default == 'none' else f'`{default}`'} | {value} | {text} |"
            )
        parts.append("\n".join([f"## {heading}", "", *lines, ""]))
        if heading == "Destinations":
            parts.append(_OWN)
    return "\n".join(parts)


@functools.cache
def field_texts() -> Mapping[str, str]:
    """Return the text that stands below each field in the source; raises `OSError` where there is no source."""
    tree = ast.parse(inspect.getsource(model))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "WebhookConfig")
    found: dict[str, str] = {}
    for node, below in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[node.target.id] = " ".join(text.value.split())
    return found
