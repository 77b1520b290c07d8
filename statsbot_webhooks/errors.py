"""The exceptions that leave this package. None of their texts holds a webhook URL or a token.

The first of them is raised when this module is imported, before anything else is: by what is installed as `discord`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

# What every version of discord.py from 2.4 on has, and forks of it that are imported as `discord` too mostly lack.
_WANTED: Final = (
    ("discord.app_commands", "CommandTree"),
    ("discord.ui", "DynamicItem"),
    ("discord.ext.commands", "HybridCommand"),
)


class WebhookLoggingError(Exception):
    """Base of every exception that this package raises."""


class ConfigError(WebhookLoggingError):
    """Settings that cannot be used; `problems` has one line for each, naming the setting and the way out.

    `by_field` has the same lines under the names of the configuration's fields, where they are known.
    """

    def __init__(self, problems: list[str], by_field: Mapping[str, str] | None = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.by_field = dict(by_field or {})


class StorageError(WebhookLoggingError):
    """A storage file that cannot be used; the text names the file and the way out."""


class NotRunningError(WebhookLoggingError):
    """A call that needs a running manager; the text says what to call first."""


def require_discord_py() -> None:
    """Raise `ImportError`, whose text is one sentence, when `discord` is not discord.py of a version that can be used."""
    try:
        library = importlib.import_module("discord")
    except ModuleNotFoundError:
        library = None
    # A folder that an uninstalled library left behind has no file of its own.
    if library is None or library.__file__ is None:
        raise ImportError("statsbot_webhooks needs discord.py, which is not installed: pip install discord.py") from None
    try:
        if all(hasattr(importlib.import_module(module), name) for module, name in _WANTED):
            return
    except ImportError:
        pass
    title, version = getattr(library, "__title__", "another library"), getattr(library, "__version__", "of no known version")
    if title == "discord":
        what, way_out = (
            f"discord.py {version}, or a mixture of two libraries",
            "pip install --upgrade --force-reinstall discord.py",
        )
    else:
        what, way_out = f"{title} {version}", "uninstall it, then pip install --force-reinstall discord.py"
    raise ImportError(f"statsbot_webhooks needs discord.py 2.4 or newer, but `discord` is {what} here: {way_out}") from None


require_discord_py()
