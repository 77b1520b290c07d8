"""Where the settings come from: the environment, `.env`, files of secrets, and the credentials of systemd.

Returns texts as they hold, each with its source. What they mean is in `loading`; how they are shown, in `description`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Final

from .env_file import EnvFile, read_env_file, read_text
from .model import NOT_SETTINGS, WebhookConfig, setting_name

PREFIX: Final = "WEBHOOK_"
# Everything else that is blank is not given.
_EMPTY_IS_A_VALUE: Final = ("WEBHOOK_REMIND_MINUTES",)
# Older names. The new name beats the old one, wherever either stands.
ALIASES: Final = {"WEBHOOK_BATCH_TIMEOUT": "WEBHOOK_BATCH_TIMEOUT_SECONDS"}
DESTINATION_SUFFIXES: Final = ("level", "events", "loggers", "guilds", "thread_name", "thread_mode", "tags")
_FIELDS: Final = frozenset(setting_name(item.name) for item in fields(WebhookConfig) if item.name not in NOT_SETTINGS)
_OF_DESTINATION: Final = re.compile(
    rf"WEBHOOK_[A-Z][A-Z0-9_]*_(?:URL|{'|'.join(suffix.upper() for suffix in DESTINATION_SUFFIXES)})\Z", re.ASCII
)
_FILE: Final = "_FILE"
# Of systemd: the folder with the files of LoadCredential=.
_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
_MOST_CREDENTIALS: Final = 200
# Set by `sandbox --run`: the storage file to use in place of the one that the bot's settings or code name.
INSTEAD: Final = "STATSBOT_WEBHOOKS_SANDBOX_STORAGE"
# What tells others how the bot is, which is not to hear of a trial.
_HEARD_ELSEWHERE: Final = ("WEBHOOK_HEARTBEAT_URL", "WEBHOOK_FALLBACK_URL", "WEBHOOK_JSON_LOG", "WEBHOOK_METRICS_PORT")
# Not below the extension's name: discord.py removes such modules at an unload, and this one has to outlive it.
_KEEPER: Final = "_statsbot_webhooks_env_file"


class Source(StrEnum):
    """Where a value comes from."""

    ENVIRONMENT = "environment"
    ENV_FILE = ".env"
    SECRET_FILE = "file"
    CREDENTIAL = "credential"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Sources:
    """The settings that are given, by name, each with its source; blank ones are not given."""

    # Every variable of the environment and of `.env`, for what is no setting of ours.
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    origins: Mapping[str, Source] = field(default_factory=dict[str, Source])
    # What could not be read: by the name of the setting, or by "" for the file itself.
    problems: Mapping[str, str] = field(default_factory=dict[str, str])

    def source(self, name: str) -> Source:
        """Return where a setting comes from."""
        return self.origins.get(name, Source.DEFAULT)


def is_setting(name: str) -> bool:
    """Whether a variable of this name can be a setting: a field, an older name of one, or a destination's."""
    return name in _FIELDS or name in ALIASES or name == "WEBHOOK_DESTINATIONS" or bool(_OF_DESTINATION.match(name))


def is_field(name: str) -> bool:
    """Whether a variable belongs to a field of the configuration."""
    return name in _FIELDS


def read_sources(environ: Mapping[str, str] | None = None, path: Path | str | None = ".env") -> Sources:
    """Read the environment and the file, and every file that they name.

    A variable of the process's environment that only has a value which the file has or had is the file's: the bot called
    `load_dotenv()`, and what the file says now holds.
    """
    file = read_env_file(path) if path is not None else EnvFile()
    if environ is None:
        environ = _without_copies(os.environ, file.values, Path(path)) if path is not None else os.environ
    given: dict[str, dict[Source, str]] = {}
    problems: dict[str, str] = {"": "; ".join(file.problems)} if file.problems else {}
    for source, values in ((Source.ENVIRONMENT, environ), (Source.ENV_FILE, file.values)):
        for name, text in values.items():
            text = _strip_blanks(text)
            # Docker keeps the quotes of an --env-file, which dotenv takes off.
            if source == Source.ENVIRONMENT and len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
                text = _strip_blanks(text[1:-1])
            if (text or name in _EMPTY_IS_A_VALUE) and is_setting(name):
                given.setdefault(name, {})[source] = text
    variables = {**file.values, **environ}
    for name, file_path in _setting_files(variables).items():
        _add_file(name, file_path, Source.SECRET_FILE, f"{name}{_FILE}", given, problems)
    for name, file_path in _credentials(variables).items():
        if is_setting(name):
            _add_file(name, file_path, Source.CREDENTIAL, f"the credential {file_path.name}", given, problems)
    _refuse_doubles(given, problems)
    for old, new in ALIASES.items():
        if old in given and new not in given and new not in problems:
            given[new] = given[old]
        if old in problems and new not in given and new not in problems:
            problems[new] = problems.pop(old)
    for name in _HEARD_ELSEWHERE if INSTEAD in environ else ():
        given.pop(name, None)
    settings = {name: next(iter(texts.values())) for name, texts in given.items()}
    origins = {name: next(iter(texts)) for name, texts in given.items()}
    return Sources(variables, settings, origins, problems)


def read_values() -> dict[str, str]:
    """Return every variable of the environment and of `.env`, and under its name what a file of secrets holds.

    For the redactor: other programs' `NAME_FILE` are read too, and every credential of systemd.
    """
    file = read_env_file(".env")
    variables = {**file.values, **os.environ}
    found = dict(variables)
    paths = {name.removesuffix(_FILE): Path(text) for name, text in variables.items() if name.endswith(_FILE) and text.strip()}
    for name, path in {**paths, **_credentials(variables)}.items():
        text, _problem = _read_secret(path)
        if text:
            # Both may be given by mistake: then both are secrets.
            found[name if name not in variables else f"{name}{_FILE}"] = text
    return found


def _setting_files(variables: Mapping[str, str]) -> dict[str, Path]:
    """Return the settings that a variable `NAME_FILE` reads from a file."""
    found: dict[str, Path] = {}
    for variable, text in variables.items():
        name = variable.removesuffix(_FILE)
        if name != variable and is_setting(name) and not is_setting(variable) and (path := _strip_blanks(text)):
            found[name] = Path(path)
    return found


def _credentials(variables: Mapping[str, str]) -> dict[str, Path]:
    """Return the files of systemd's credentials by the name of the setting that each would be."""
    folder = variables.get(_CREDENTIALS, "").strip()
    if not folder:
        return {}
    try:
        names = sorted(os.listdir(folder))[:_MOST_CREDENTIALS]
    except OSError:
        return {}
    return {re.sub(r"\W", "_", name).upper(): Path(folder, name) for name in names}


def _read_secret(path: Path) -> tuple[str, str]:
    """Return what a file holds, without the line end behind it, and what keeps it from being read."""
    try:
        if not path.is_file():
            return "", "there is no such file" if not path.exists() else "it is not a file"
        return _strip_blanks(read_text(path)[0]), ""
    except OSError as error:
        return "", error.strerror or type(error).__name__


def _strip_blanks(text: str) -> str:
    """Return a text without blanks at its ends, those that cannot be seen included."""
    return text.strip().strip("\ufeff\u200b\u2060\u200e\u200f").strip()


def _add_file(
    name: str,
    path: Path,
    source: Source,
    label: str,
    given: dict[str, dict[Source, str]],
    problems: dict[str, str],
) -> None:
    text, problem = _read_secret(path)
    if not text:
        problems[name] = f"{name}: {label} cannot be read: {problem or 'it is empty'}. Nothing is taken in its place"
        return
    given.setdefault(name, {})[source] = text


def _refuse_doubles(given: dict[str, dict[Source, str]], problems: dict[str, str]) -> None:
    """Leave out what stands both in a variable and in a file of secrets: which of them is meant cannot be known."""
    labels = {Source.SECRET_FILE: "{}_FILE", Source.CREDENTIAL: "a credential of that name"}
    for name, texts in list(given.items()):
        files = [labels[source].format(name) for source in texts if source in labels]
        is_variable = Source.ENVIRONMENT in texts or Source.ENV_FILE in texts
        if len(files) + is_variable > 1:
            both = " and ".join([name, *files] if is_variable else files)
            problems[name] = f"{name}: {both} are both given, and neither is used; remove one of them"
            del given[name]


def _without_copies(environ: Mapping[str, str], now: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return the environment without what `load_dotenv()` copied into it from the file, as it is or was."""
    keeper = sys.modules.setdefault(_KEEPER, ModuleType(_KEEPER))
    seen: dict[str, set[str]] = keeper.__dict__.setdefault(str(path.absolute()), {})
    for name, text in now.items():
        seen.setdefault(name, set()).add(text)
    return {name: text for name, text in environ.items() if text not in seen.get(name, ())}
