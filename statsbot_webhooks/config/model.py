"""The configuration: every setting with its type, its default and what it does.

`docs/settings.md` is made from this file. How a text becomes a value is in `field_types`; where the texts come from is in
`sources`.
"""

# Without the future import: pydantic reads the annotations as they stand, and so does `renewal`.
from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic.functional_validators import ModelWrapValidatorHandler, PlainValidator
from pydantic_core import ErrorDetails

from ..errors import ConfigError
from ..events.event import LogLevel
from .destination import BUILT_IN, Destination
from .field_types import (
    ButtonModes,
    Buttons,
    CertificateFile,
    Count,
    Id,
    Ids,
    Level,
    Levels,
    ListenHost,
    MaskLevels,
    Minutes,
    Names,
    Patterns,
    PrivateURL,
    ProxyURL,
    Renews,
    SourceURL,
    Storage,
    Threshold,
    TimeZone,
    WebhookAddress,
    describe_shape,
    describe_type,
)

# Fields that no variable of their own holds.
NOT_SETTINGS: Final = ("destinations", "destination_options", "hold_reason")


# Arbitrary types: pydantic before 2.10 asks for the schema also of types whose own validator replaces it. Deferred: to
# build the schema takes tens of milliseconds, which the first configuration needs and the import does not.
@dataclass(frozen=True, config=ConfigDict(extra="forbid", arbitrary_types_allowed=True, defer_build=True))
class WebhookConfig:
    """Every setting. The environment variable of a field is `WEBHOOK_` and its name in capitals.

    Raises `ConfigError` that names each field at fault, `TypeError` for a name that is no field. URLs are checked for their
    shape only.
    """

    error_webhook_url: Annotated[WebhookAddress | None, Renews.ROUTER, Renews.WORKERS] = None
    """The webhook for WARNING, ERROR and CRITICAL, and for performance alerts without a webhook of their own."""

    info_webhook_url: Annotated[WebhookAddress | None, Renews.ROUTER, Renews.WORKERS] = None
    """The webhook for INFO, a copy of CRITICAL, and member events without a webhook of their own."""

    performance_webhook_url: Annotated[WebhookAddress | None, Renews.ROUTER, Renews.WORKERS] = None
    """The webhook for performance alerts and slow calls."""

    member_events_webhook_url: Annotated[WebhookAddress | None, Renews.ROUTER, Renews.WORKERS] = None
    """The webhook for joins, leaves, kicks, bans and raids."""

    max_requests_per_minute: Annotated[int, Field(ge=1, le=30), Renews.WORKERS] = 30
    """Requests per minute and channel, however many webhooks it has. Discord allows 30; 27 of them are used and 3 are left
    to people and other programs."""

    batch_size: Annotated[Count, Renews.WORKERS] = 5
    """Events that make a batch full: it is sent at once."""

    batch_timeout_seconds: Annotated[float, Field(ge=0, le=3600), Renews.WORKERS] = 10.0
    """Seconds after which a batch that is not full is sent. ERROR and CRITICAL never wait. `WEBHOOK_BATCH_TIMEOUT` is an
    older name of this setting."""

    use_embeds: Annotated[bool, Renews.FORMATTER, Renews.WORKERS] = True
    """Events are shown as cards; `false` shows plain text."""

    include_timestamps: Annotated[bool, Renews.FORMATTER, Renews.WORKERS] = True
    """Messages show when each event happened."""

    include_bot_info: Annotated[bool, Renews.FORMATTER, Renews.WORKERS] = True
    """Messages carry the bot's name and avatar."""

    mask_user_ids: Annotated[bool, Renews.REDACTOR, Renews.CAPTURE] = False
    """Ids, mentions and names of members become pseudonyms such as `user-7f3a9c`: the same for a person everywhere and after
    restarts. A value that cannot be read counts as `true`."""

    include_stack_traces: Annotated[bool, Renews.REDACTOR, Renews.FORMATTER, Renews.CAPTURE] = True
    """Errors are shown with their traceback."""

    max_message_length: Annotated[int, Field(ge=100, le=2000), Renews.FORMATTER, Renews.WORKERS] = 2000
    """Characters of a text that a message shows; what does not fit is attached whole, as a file. Discord's limit is 2000."""

    ping_role_id: Annotated[Id | None, Renews.WORKERS] = None
    """The id of the role that CRITICAL pings. Nothing else ever pings."""

    ping_cooldown_seconds: Annotated[float, Field(ge=0, le=86400), Renews.WORKERS] = 900.0
    """The least time between two pings, in seconds."""

    # Discord blocks an address after 10,000 in 10 minutes.
    max_invalid_requests: Annotated[int, Field(ge=1, le=5000), Renews.WORKERS] = 500
    """Refused requests (401, 403, 429) in 10 minutes after which sending pauses. Discord blocks an address after 10,000."""

    # It stands in the note of a card, which has room for 100 characters.
    bot_version: Annotated[str, Field(max_length=24), Renews.WORKERS] = ""
    """Your bot's version: an error that comes again in another version gets a new card that says so. By default it is that of
    your host, or the tag or commit of the git checkout that the bot runs from."""

    source_url: Annotated[SourceURL, Renews.ROUTER] = ""
    """The address of your repository, to which the lines of a traceback are linked; by default the remote of the git checkout.
    Where its form is not known: a whole link with `{commit}`, `{path}` and `{line}`."""

    card_edit_seconds: Annotated[float, Field(ge=0.1, le=3600), Renews.WORKERS] = 10.0
    """The least time between two edits of a live card, in seconds."""

    destinations: Annotated[tuple[Destination, ...], PlainValidator(tuple), Renews.ROUTER, Renews.WORKERS] = field(
        default=(), repr=False
    )
    """Names of your own destinations, separated by commas. `WEBHOOK_<NAME>_URL` of each is its webhook."""

    # What the settings ask of names that have no URL there; `/webhooks setup` may have stored one.
    destination_options: Annotated[Mapping[str, Mapping[str, Any]], PlainValidator(dict), Renews.ROUTER, Renews.WORKERS] = field(
        default_factory=dict[str, Mapping[str, Any]], repr=False
    )

    templates: Annotated[str | None, Renews.FORMATTER] = None
    """The path of a TOML file with titles, colours, texts and fields of cards; see `examples/templates.toml`."""

    # Not in the repr: the URL of a Redis may hold a password.
    storage: Annotated[Storage, Renews.STORAGE] = field(default="sqlite:///statsbot_webhooks.sqlite3", repr=False)
    """Where events wait until Discord has confirmed them: a file of this bot alone, `memory://`, whose events are lost when
    the bot ends, or a Redis that all processes of a bot share (`redis://`, `rediss://`, `unix://`, `redis+sentinel://`; see
    docs/fleet.md)."""

    process_name: Annotated[str, Field(max_length=48), Renews.STORAGE] = ""
    """The name of this process when several share a Redis; unset: the name of its host. Cards show it, and what waits while
    Redis is away is kept in `statsbot_webhooks-<name>.sqlite3`."""

    storage_max_events: Annotated[Count, Renews.STORAGE] = 100_000
    """Events that may wait. Above it the oldest of the lowest level are dropped first, and a message says how many."""

    storage_max_mb: Annotated[Annotated[float, Field(gt=0, le=1_000_000)] | None, Renews.STORAGE] = None
    """Megabytes that the waiting events may take, handled like `WEBHOOK_STORAGE_MAX_EVENTS`; unset: 256 in a file, 32 in
    memory. An event that takes more than half of it is dropped at once."""

    max_age_hours: Annotated[float, Field(gt=0, le=87600), Renews.MAINTENANCE] = 168.0
    """Hours that an event may wait before it is written to a file beside the storage instead."""

    log_level: Annotated[Level, Renews.CAPTURE] = LogLevel.WARNING
    """The lowest level that is captured from the root logger."""

    loggers: Annotated[Levels, Renews.CAPTURE] = field(default_factory=dict[str, LogLevel])
    """Lowest levels of single loggers, above or below `WEBHOOK_LOG_LEVEL`."""

    loguru: Annotated[bool, Renews.CAPTURE] = True
    """Records of loguru are captured too, where the bot imports it. `off`: only those that the bot sends on to `logging`."""

    breadcrumbs: Annotated[int, Field(ge=0, le=200), Renews.CAPTURE] = 20
    """How many log records, commands and refused requests before an error stand in its file; 0 is none."""

    guild_ids: Annotated[Ids, Renews.CAPTURE] = frozenset()
    """Servers whose member events are shown; all when it is not set."""

    expected_errors: Annotated[Names, Renews.CAPTURE] = frozenset()
    """Exception classes that are no errors, alone or with their module, and all that derive from them:
    `Forbidden,mybot.errors.ShopClosed`."""

    ship_user_errors: Annotated[bool, Renews.CAPTURE] = False
    """Failed checks, cooldowns and bad arguments are shown as warnings; otherwise they are not shown."""

    ignore_bots: Annotated[bool, Renews.CAPTURE] = False
    """Bots do not count as members."""

    raid_joins: Annotated[Count, Renews.CAPTURE] = 10
    """More joins than this within `WEBHOOK_RAID_SECONDS` are a raid: one growing card instead of one for each. The same
    numbers tell a mass departure."""

    raid_seconds: Annotated[float, Field(gt=0, le=3600), Renews.CAPTURE] = 10.0
    """The seconds in which `WEBHOOK_RAID_JOINS` are counted."""

    breaker_failures: Annotated[Count, Renews.WORKERS] = 5
    """Failures in a row after which a webhook is left alone for a while."""

    breaker_cooldown_seconds: Annotated[float, Field(gt=0, le=3600), Renews.WORKERS] = 30.0
    """How long a failing webhook is left alone at first, in seconds; the pauses grow."""

    sample_interval_seconds: Annotated[float, Field(ge=0.05, le=86400), Renews.CAPTURE] = 30.0
    """Seconds between two samples of memory, CPU, latency and loop lag."""

    memory_warning_mb: Annotated[Threshold, Renews.CAPTURE] = 512.0
    """Memory of the process, in MB, from which an alert warns."""

    memory_critical_mb: Annotated[Threshold, Renews.CAPTURE] = 1024.0
    """Memory of the process, in MB, from which an alert is critical."""

    cpu_warning_percent: Annotated[Threshold, Renews.CAPTURE] = 80.0
    """CPU time of the process, in percent of one core, from which an alert warns."""

    cpu_critical_percent: Annotated[Threshold, Renews.CAPTURE] = 95.0
    """CPU time of the process, in percent of one core, from which an alert is critical."""

    latency_warning_ms: Annotated[Threshold, Renews.CAPTURE] = 500.0
    """Latency of the gateway, in ms, from which an alert warns."""

    latency_critical_ms: Annotated[Threshold, Renews.CAPTURE] = 2000.0
    """Latency of the gateway, in ms, from which an alert is critical."""

    loop_lag_warning_ms: Annotated[Threshold, Renews.CAPTURE] = 250.0
    """Delay of the event loop, in ms, from which an alert warns."""

    loop_lag_critical_ms: Annotated[Threshold, Renews.CAPTURE] = 1000.0
    """Delay of the event loop, in ms, from which an alert is critical. A loop that stands still for so long is shown with
    the line that blocks it."""

    alert_minimum_seconds: Annotated[Annotated[float, Field(ge=0, le=86400)] | None, Renews.CAPTURE] = None
    """Seconds that a value must be too high to be an alert, and below nine tenths of the threshold to be over; two samples
    when it is not set."""

    slow_command_ms: Annotated[float, Field(ge=0, allow_inf_nan=False), Renews.CAPTURE] = 5000.0
    """Commands that take longer, in ms, are shown with the line where they are; waiting for a person or a time does not
    count. 0: no limit."""

    slow_listener_ms: Annotated[float, Field(ge=0, allow_inf_nan=False), Renews.CAPTURE] = 10_000.0
    """Event listeners that take longer, in ms, are shown as slow commands are. 0: no limit."""

    summary_hour: Annotated[Annotated[int, Field(ge=0, le=23)] | None, Renews.CAPTURE] = None
    """The hour of a daily summary in the info channel: events, errors, alerts, peaks and delivery, with a chart where the
    extra `charts` is installed. Not set: no summary."""

    summary_timezone: Annotated[TimeZone, Renews.CAPTURE] = "UTC"
    """The time zone of `WEBHOOK_SUMMARY_HOUR`."""

    lifecycle: Annotated[bool, Renews.CAPTURE] = True
    """The info channel shows when the bot is online and when it stops, gaps of the gateway, and servers joined and left."""

    gateway_gap_seconds: Annotated[float, Field(ge=0, le=86400), Renews.CAPTURE] = 15.0
    """Seconds from which a gap of the gateway is shown; five shorter ones in a row are shown too."""

    heartbeat_url: Annotated[PrivateURL | None, Renews.CAPTURE] = None
    """An address (Healthchecks, Uptime Kuma) that is requested while event loop, gateway and delivery are all healthy, and
    only then. It is never shown."""

    heartbeat_interval_seconds: Annotated[float, Field(ge=0.1, le=86400), Renews.CAPTURE] = 60.0
    """Seconds between two requests to the heartbeat's address."""

    admin_guild_id: Annotated[Id | None, Renews.COMMANDS] = None
    """The server where the slash commands are registered. Not set: they are registered everywhere, for the bot's owner or
    team alone."""

    admin_role_ids: Annotated[Ids, Renews.COMMANDS] = frozenset()
    """Roles of that server whose holders may use the commands too. Discord then shows them to everyone there, and we refuse
    the rest."""

    sync_commands: Annotated[bool, Renews.COMMANDS] = True
    """We register our slash commands at Discord; `false` leaves that to your bot."""

    remind_minutes: Annotated[Minutes, Renews.WORKERS] = (15.0, 60.0, 240.0, 1440.0)
    """Minutes after which an alert that lasts, or a CRITICAL error that came again, is told once more in one line unless it was
    acknowledged or muted; after the last of them its own length again, seven times at most. Empty: never."""

    buttons: Annotated[ButtonModes, Renews.WORKERS] = Buttons.AUTO
    """Cards have buttons where the webhook can carry them, which one that `/webhooks setup` made can: Resolve, Acknowledge, Mute.
    `off`: none."""

    mask_level: Annotated[MaskLevels | None, Renews.REDACTOR, Renews.CAPTURE] = None
    """How much of a person is hidden: `ids` hides ids and mentions and leaves names, `full` hides names too. Not set: `full`
    with `WEBHOOK_MASK_USER_IDS`, else `off`. A value that cannot be read counts as `full`."""

    # Not shown: a pattern may be the secret itself.
    redact_patterns: Annotated[Patterns, Renews.REDACTOR] = field(default=(), repr=False)
    """More to redact: regular expressions of Python without look-around and backreferences, one per line or between `;;`. While
    one cannot be used, nothing is delivered and events wait."""

    proxy: Annotated[ProxyURL | None, Renews.WORKERS, Renews.CAPTURE] = None
    """The HTTP proxy for everything that is sent; `none` for the direct way. Not set: the proxy of your bot
    (`commands.Bot(proxy=...)`), else `HTTPS_PROXY` and `NO_PROXY` of the environment. It is never shown."""

    ca_bundle: Annotated[CertificateFile | None, Renews.WORKERS, Renews.CAPTURE] = None
    """A file of certificates in PEM form that are trusted beside the system's: for a proxy or a mirror with a certificate
    authority of its own."""

    send_timeout_seconds: Annotated[float, Field(gt=0, le=3600), Renews.WORKERS] = 20.0
    """Seconds that an answer to a request may take. A REST proxy that holds requests back for minutes needs more."""

    fallback_url: Annotated[PrivateURL | None, Renews.REDACTOR, Renews.MONITORING] = None
    """An address that gets a plain POST, such as a topic of ntfy: one message when an ERROR or CRITICAL has waited for five
    minutes because nothing reaches Discord, and one when that is over. It is never shown."""

    metrics_port: Annotated[Annotated[int, Field(ge=1, le=65535)] | None, Renews.MONITORING] = None
    """The port of an endpoint for Prometheus, with the counters of `stats()`; needs the extra `metrics`. Not set: no endpoint."""

    metrics_host: Annotated[ListenHost, Renews.MONITORING] = "127.0.0.1"
    """The address that this endpoint listens at; `0.0.0.0` lets other machines read it, without a password."""

    json_log: Annotated[Annotated[str, Field(min_length=1, max_length=4096)] | None, Renews.MONITORING] = None
    """The path of a file to which every event is written as a line of JSON too, redacted and masked, for Vector or Loki's
    agents. It rotates: five files in all, `.1` to `.4` behind its name, which only the bot's user may read."""

    json_log_max_mb: Annotated[float, Field(ge=0.01, le=1_000_000), Renews.MONITORING] = 50.0
    """Megabytes that these five files may take together."""

    # Not empty: nothing is delivered for this reason, and events wait.
    hold_reason: Annotated[str, Renews.WORKERS] = field(default="", repr=False)

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, values: Any, build: ModelWrapValidatorHandler["WebhookConfig"]) -> "WebhookConfig":
        try:
            config = build(values)
        except ValidationError as error:
            # From None: pydantic's own text shows the values.
            raise _config_error(error) from None
        servers = config.guild_ids | {config.admin_guild_id}
        roles = {"admin_role_ids": config.admin_role_ids, "ping_role_id": {config.ping_role_id} - {None}}
        found = {
            name: f"{setting_name(name)}: a server's own id is that of its @everyone role, which no setting may name"
            for name, ids in roles.items()
            if ids & servers
        }
        if found:
            raise ConfigError(list(found.values()), found)
        object.__setattr__(config, "destinations", _with_built_in(config))
        return config

    def validate(self) -> list[str]:
        """Return what is wrong: only that no URL is set, for every other mistake is refused when the settings are made."""
        return [] if self.destinations else ["no webhook URL is set: at least one is needed, such as WEBHOOK_ERROR_URL"]

    def get_webhooks_for_level(self, level: LogLevel | str) -> list[str]:
        """Return the URLs of the four built-in destinations that log messages of a level go to. They are secrets."""
        level = LogLevel.of(level)
        built_in = {each.name: each for each in self.destinations if each.name in BUILT_IN}
        names: set[str] = {"info"} if level is LogLevel.INFO else set()
        if level.number >= LogLevel.WARNING.number:
            names = {"error" if "error" in built_in else "info"} | ({"info"} if level is LogLevel.CRITICAL else set())
        names |= {each.name for each in built_in.values() if each.level is not None and each.level.number <= level.number}
        return [each.url.reveal() for name, each in built_in.items() if name in names]


def _with_built_in(config: WebhookConfig) -> tuple[Destination, ...]:
    named = {destination.name: destination for destination in config.destinations}
    for name in BUILT_IN:
        url = getattr(config, f"{name}_webhook_url")
        if url is not None and name not in named:
            named[name] = Destination(name, url)
    return tuple(named.values())


def _config_error(error: ValidationError) -> ConfigError | TypeError:
    names = [item.name for item in fields(WebhookConfig)]
    found: dict[str, str] = {}
    for line in error.errors(include_url=False):
        place = line["loc"][0] if line["loc"] else ""
        # By position or by name.
        name = str(names[place] if isinstance(place, int) and place < len(names) else place)
        if name not in names:
            return TypeError(f"WebhookConfig has no field {name}")
        found.setdefault(name, _problem(name, line))
    return ConfigError(list(found.values()), found)


def _problem(name: str, line: ErrorDetails) -> str:
    item = next(each for each in fields(WebhookConfig) if each.name == name)
    if name.endswith("_webhook_url"):
        return f"{setting_name(name)} {line['ctx']['error']}" if "ctx" in line else f"{setting_name(name)} is missing"
    # Our own checks say themselves what they want; pydantic's are told by the type.
    own = str(line["ctx"]["error"]) if line["type"] == "value_error" and "ctx" in line else ""
    wanted = own or f"must be {describe_type(item.type)}; {describe_shape(line['input'])}"
    return f"{setting_name(name)}: {wanted}. Leave it out for the default, {describe_default(name)}"


def describe_default(name: str) -> str:
    """Return a field's default as it would be written into `.env`."""
    default = next(item.default for item in fields(WebhookConfig) if item.name == name)
    if default in (None, "", MISSING, (), frozenset()):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(f"{item:g}" for item in default)  # pyright: ignore[reportUnknownVariableType]
    return f"{default:g}" if isinstance(default, float) else str(getattr(default, "value", default))


def setting_name(field_name: str) -> str:
    """Return the environment variable of a field."""
    if field_name.endswith("_webhook_url"):
        return f"WEBHOOK_{field_name.removesuffix('_webhook_url').upper()}_URL"
    return f"WEBHOOK_{field_name.upper()}"
