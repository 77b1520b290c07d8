"""From texts to a configuration: what is wrong costs itself only, and is named. Reads no clock and opens no socket."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.functional_validators import BeforeValidator

from ..errors import ConfigError
from ..events.event import EventKind
from ..events.time_text import format_count
from ..redaction.masking import MaskLevel
from .destination import BUILT_IN, RESERVED, Destination, ThreadMode, WebhookURL
from .field_types import Ids, Level, Wants, describe_shape, describe_type, parse_list, parse_word
from .misspelled import ask_for, close_to_built_in, find_meant, nearest
from .model import NOT_SETTINGS, WebhookConfig, setting_name
from .sources import ALIASES, DESTINATION_SUFFIXES, PREFIX, Sources, is_field, read_sources
from .version import find_version

_log = logging.getLogger(__name__)

_DESTINATION: Final = re.compile(r"WEBHOOK_([A-Z][A-Z0-9_]*)_URL\Z", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z", re.ASCII)
# A post's name has 100 characters at most; the day is added to it.
_OPTION_TYPES: Final[Mapping[str, Any]] = {
    "level": Level,
    "events": Annotated[frozenset[EventKind], BeforeValidator(parse_list), Wants(f"any of {', '.join(EventKind)}")],
    "loggers": Annotated[tuple[str, ...], BeforeValidator(parse_list), Wants("logger names, separated by commas")],
    "guilds": Ids,
    "thread_name": Annotated[str, Field(max_length=80)],
    "thread_mode": Annotated[ThreadMode, BeforeValidator(parse_word)],
    "tags": Annotated[tuple[str, ...], BeforeValidator(parse_list), Wants("names or ids of tags, separated by commas")],
}
_MASKS: Final = ("WEBHOOK_MASK_USER_IDS", "WEBHOOK_MASK_LEVEL")
_COMMON_WORDS: Final = ("WEBHOOK", "WEBHOOKS", "URL", "URI", "DISCORD", "LOG", "LOGS")
_PATTERNS: Final = "WEBHOOK_REDACT_PATTERNS"
_URLS: Final = tuple(f"WEBHOOK_{name.upper()}_URL" for name in BUILT_IN)
# What people write who think that there is one.
_ONE_FOR_ALL: Final = "WEBHOOK_URL"
_NEARLY: Final = 0.85


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and what is to be said about where it came from. No line holds a value."""

    config: WebhookConfig
    # Values that cannot be used: `load_webhook_config` raises for them.
    wrong_values: tuple[str, ...] = ()
    # What costs a destination or a line of the file: wrong URLs, misspelled names, an unreadable file.
    faults: tuple[str, ...] = ()
    # What may well be meant so.
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong."""
        return self.wrong_values + self.faults

    def describe_problems(self, separator: str) -> str:
        """Return the sentence that names every wrong setting; empty when all are right."""
        count = len(self.problems)
        head = f"{format_count(count, 'setting is', 'settings are')} wrong; everything else works"
        return separator.join([head, *self.problems]) if count else ""


def load_webhook_config(environ: Mapping[str, str] | None = None) -> WebhookConfig:
    """Read the settings from the environment, then from `.env` in the working directory.

    Raises `ConfigError` with every problem at once when a value other than a URL is wrong. A wrong URL is logged and
    left out, so that the other destinations work.
    """
    loaded = build_config(read_sources() if environ is None else read_sources(environ, None))
    if loaded.wrong_values:
        raise ConfigError(list(loaded.wrong_values))
    for fault in loaded.faults:
        _log.error("%s", fault)
    return loaded.config


def load_forgiving() -> Loaded:
    """Read the settings as `load_webhook_config` does, but never raise: a wrong value costs itself only.

    Its default holds, and one line of the log names every wrong setting. Only settings of privacy are stricter: an unreadable
    mask setting counts as full masking, and with an invalid redaction pattern nothing is delivered until it is right.
    """
    loaded = build_config(read_sources())
    if loaded.problems:
        _log.error("%s", loaded.describe_problems(" | "))
    if loaded.notes:
        _log.warning("%s", " | ".join(loaded.notes))
    return loaded


def build_config(sources: Sources) -> Loaded:
    """Return the configuration that the sources ask for, and what is wrong with them."""
    wrong = {name: text for name, text in sources.problems.items() if name and not name.endswith("_URL")}
    faults = {name: text for name, text in sources.problems.items() if name not in wrong}
    destinations = _Destinations(sources, wrong, faults)
    settings = _read_fields(sources, wrong)
    if (path := settings.get("templates")) and not Path(path).is_file():
        del settings["templates"]
        faults["WEBHOOK_TEMPLATES"] = "WEBHOOK_TEMPLATES: there is no such file; cards look as without templates"
    if "bot_version" not in settings:
        settings["bot_version"] = find_version(sources.variables).name
    misspelled = _find_misspelled(sources, destinations, [*wrong.values(), *faults.values(), *destinations.notes])
    for variable, meant in misspelled.items():
        text = ask_for(variable, meant)
        setting = meant.removesuffix("_FILE")
        if setting in (*_MASKS, _PATTERNS) and setting not in sources.settings:
            wrong[setting] = text
        else:
            destinations.notes.append(text)
    if any(name in wrong for name in _MASKS):
        settings["mask_level"] = MaskLevel.FULL
        _say_instead(wrong, _MASKS, "Until it is right, persons are masked fully")
    if _PATTERNS in wrong:
        settings["hold_reason"] = f"{_PATTERNS} cannot be used"
        _say_instead(wrong, (_PATTERNS,), "Until it is right nothing is delivered, and events wait")
    for name in BUILT_IN:
        if name in destinations.found:
            settings[f"{name}_webhook_url"] = destinations.found[name].url
    config = WebhookConfig(**settings, destinations=tuple(destinations.found.values()), destination_options=destinations.options)
    return Loaded(config, tuple(wrong.values()), tuple(faults.values()), tuple(destinations.notes))


def _find_misspelled(sources: Sources, destinations: _Destinations, said: Sequence[str]) -> dict[str, str]:
    """Return the variables that are no settings but nearly named like one, each with that one, but for those named already."""
    settings = {setting_name(item.name) for item in fields(WebhookConfig) if item.name not in NOT_SETTINGS}
    names = {*BUILT_IN, *destinations.options}
    settings |= {f"{PREFIX}{name.upper()}_{suffix.upper()}" for name in names for suffix in ("url", *DESTINATION_SUFFIXES)}
    settings |= {*ALIASES, "WEBHOOK_DESTINATIONS"}
    found: dict[str, str] = {}
    for name in sources.variables:
        plain = name.removesuffix("_FILE")
        if plain not in settings and not any(name in line for line in said) and (meant := find_meant(plain, settings)):
            found[name] = meant + name[len(plain) :]
    return found


def _read_fields(sources: Sources, wrong: dict[str, str]) -> dict[str, Any]:
    """Return the texts of the fields that can be used, and add what is wrong with the others."""
    names = {setting_name(item.name): item.name for item in fields(WebhookConfig) if item.name not in NOT_SETTINGS}
    texts: dict[str, Any] = {
        field_name: sources.settings[name]
        for name, field_name in names.items()
        if name in sources.settings and not field_name.endswith("_webhook_url")
    }
    while True:
        try:
            WebhookConfig(**texts)
        except ConfigError as error:
            # Values that are right by themselves may not fit together, which is only seen when the others are out of the way.
            for field_name, problem in error.by_field.items():
                del texts[field_name]
                wrong[setting_name(field_name)] = problem
        else:
            return texts


def _say_instead(wrong: dict[str, str], names: Iterable[str], consequence: str) -> None:
    """Replace the sentence about the default in the problems of settings that have none when they are wrong."""
    for name in names:
        if name in wrong:
            wrong[name] = f"{wrong[name].partition('. Leave it out')[0].partition('. Nothing is taken')[0]}. {consequence}"


class _Destinations:
    """The destinations that have a URL, what is asked for those that have none, and remarks."""

    def __init__(self, sources: Sources, wrong: dict[str, str], faults: dict[str, str]) -> None:
        self.found: dict[str, Destination] = {}
        self.options: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []
        self._settings = sources.settings
        self._wrong = wrong
        self._faults = faults
        listed = self._read_list()
        unused: list[str] = []
        for name in dict.fromkeys([*BUILT_IN, *self._named()]):
            options = _read_options(name, self._settings, wrong)
            if name in BUILT_IN or name in listed or options or self._has_wrong_option(name):
                self.options[name] = options
                self._add(name, options)
            else:
                unused.append(name)
        self._tell_unused(unused)
        self._tell_misspelled(sources.variables)

    def _named(self) -> list[str]:
        names = [match[1].lower() for variable in self._settings if (match := _DESTINATION.match(variable))]
        return [name for name in names if name not in RESERVED]

    def _read_list(self) -> frozenset[str]:
        names: list[str] = []
        for text in re.split(r"[,;\s]+", self._settings.get("WEBHOOK_DESTINATIONS", "")):
            name = text.lower()
            if not text:
                continue
            if not _NAME.match(text):
                problem = f"a name of {len(text)} characters is not valid: use letters, digits and _"
            elif name in RESERVED:
                problem = f"{name} is the name of a setting, and no destination can have it"
            elif f"WEBHOOK_{name.upper()}_URL" not in self._settings and f"WEBHOOK_{name.upper()}_URL" not in self._faults:
                problem = f"it names {name}, but WEBHOOK_{name.upper()}_URL is not set"
            else:
                names.append(name)
                continue
            before = self._wrong.get("WEBHOOK_DESTINATIONS", "WEBHOOK_DESTINATIONS")
            self._wrong["WEBHOOK_DESTINATIONS"] = f"{before}{':' if before == 'WEBHOOK_DESTINATIONS' else ';'} {problem}"
        return frozenset(names)

    def _has_wrong_option(self, name: str) -> bool:
        return any(f"WEBHOOK_{name.upper()}_{suffix.upper()}" in self._wrong for suffix in DESTINATION_SUFFIXES)

    def _add(self, name: str, options: dict[str, Any]) -> None:
        variable = f"WEBHOOK_{name.upper()}_URL"
        if variable not in self._settings:
            return
        try:
            self.found[name] = Destination(name, WebhookURL(self._settings[variable]), **options)
        except ValueError as error:
            self._faults[variable] = f"{variable} {error}. Nothing is sent there; the bot goes on without it"

    def _tell_unused(self, names: Iterable[str]) -> None:
        """Say once which addresses nothing is sent to, because they may be the bot's for something else."""
        for name in names:
            variable = f"WEBHOOK_{name.upper()}_URL"
            if close := close_to_built_in(name):
                self._tell_close(variable, close)
            else:
                self.notes.append(
                    f"nothing is sent to {variable}: if it is a destination of yours, say so with "
                    f"WEBHOOK_DESTINATIONS={name}, or with WEBHOOK_{name.upper()}_LEVEL, _EVENTS or _LOGGERS"
                )

    def _tell_misspelled(self, variables: Mapping[str, str]) -> None:
        """Say which other variables hold the URL of a webhook under a name that is nearly ours."""
        for variable, text in variables.items():
            upper = variable.upper().replace("-", "_").strip()
            if variable == _ONE_FOR_ALL and not self.found and _is_webhook(text):
                self._faults[variable] = f"{variable} is not a setting and has no effect: the names are {', '.join(_URLS)}"
            if _DESTINATION.match(variable) or not _is_webhook(text):
                continue
            words = [word for word in upper.split("_") if word not in _COMMON_WORDS]
            name = close_to_built_in("_".join(words).lower()) if "WEBHOOK" in upper else ""
            # Of another name altogether nothing is said: the bot may have the URL for itself.
            if close := name or nearest(upper, _URLS, _NEARLY).removeprefix("WEBHOOK_").removesuffix("_URL").lower():
                self._tell_close(variable, close)

    def _tell_close(self, variable: str, name: str) -> None:
        meant = f"WEBHOOK_{name.upper()}_URL"
        text = ask_for(variable, meant)
        if meant in self._settings or meant in self._faults:
            self.notes.append(text)
        else:
            self._faults[variable] = text


def _is_webhook(text: str) -> bool:
    try:
        WebhookURL(text)
    except ValueError:
        return False
    return True


def _read_options(name: str, settings: Mapping[str, str], wrong: dict[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for suffix in DESTINATION_SUFFIXES:
        variable = f"WEBHOOK_{name.upper()}_{suffix.upper()}"
        # WEBHOOK_LOG_LEVEL is a setting of its own, independent of what a bot keeps in WEBHOOK_LOG_URL.
        if variable not in settings or is_field(variable):
            continue
        try:
            options[suffix] = TypeAdapter(_OPTION_TYPES[suffix]).validate_python(settings[variable])
        except ValidationError as error:
            shape = describe_shape(error.errors()[0]["input"])
            wrong[variable] = f"{variable}: must be {describe_type(_OPTION_TYPES[suffix])}; {shape}. Leave it out for the default"
            if suffix == "guilds":
                # Shown to the members of one server: what happens in another one must not reach them by a mistake in writing.
                options[suffix] = frozenset[int]()
                _say_instead(wrong, (variable,), "Until it is right, events of no server are shown there")
    return options
