"""The process's manager: `setup_webhook_logging` and `get_webhook_manager` for code, and its sharing by the bots of a process.

What must outlive a reload of the extension is kept by `current_manager`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from .clock import SystemClock
from .config import WebhookConfig
from .config.loading import Loaded, load_forgiving
from .current_manager import find_current_manager, get_current_manager, keeper, set_current_manager
from .events.event import Event, EventKind, LogLevel
from .formatting.formatter import BotInfo
from .webhook_manager import WebhookManager

T = TypeVar("T")


def setup_webhook_logging(config: WebhookConfig | None = None) -> WebhookManager:
    """Make the process-wide manager; without a config it reads the environment and `.env`. `start` it afterwards.

    Without a config it returns the manager that the process has already, if that was not stopped. An extension that is loaded
    later uses this manager. A wrong setting costs itself only: it is named in the log and in the first card.
    """
    current = find_usable_manager()
    if current is not None and config is None:
        return current
    loaded = Loaded(config) if config is not None else load_forgiving()
    manager = WebhookManager(loaded.config)
    tell_problems(manager, loaded)
    return make_current(manager)


def tell_problems(manager: WebhookManager, loaded: Loaded) -> None:
    """Show one card that names every wrong setting."""
    text = loaded.describe_problems("\n")
    if text:
        manager.submit(Event(EventKind.LOG, LogLevel.ERROR, text, SystemClock().now(), "statsbot_webhooks.settings"))


def get_webhook_manager() -> WebhookManager:
    """Return the process-wide manager; raises `WebhookLoggingError` when there is none."""
    return cast("WebhookManager", get_current_manager())


def error_reference(error: BaseException) -> str:
    """Return the reference of an exception's issue, such as E-7F3A; see `WebhookManager.error_reference`."""
    return get_webhook_manager().error_reference(error)


def find_usable_manager() -> WebhookManager | None:
    """Return the process's manager, if it was not stopped and was made for the bot of this working directory."""
    current = cast("WebhookManager | None", find_current_manager())
    if current is None or current.has_ended or keeper().__dict__.get("folder") != _folder():
        return None
    return current


def make_current(manager: WebhookManager) -> WebhookManager:
    """Make a manager the process's, which nothing shares yet."""
    set_current_manager(manager)
    # Where its `.env` was read, and where its storage lies.
    keeper().__dict__.update(folder=_folder(), holders=[], was_running=manager.is_running)
    return manager


class Holder(Protocol):
    """What shares a manager: the extension on one bot, or `watch_client` of one client."""

    @property
    def bot(self) -> object: ...

    @property
    def manager(self) -> WebhookManager: ...

    @property
    def answers_presses(self) -> bool:
        """Whether it answers who presses a button of a card."""
        ...

    @property
    def bot_info(self) -> BotInfo | None:
        """The name and the picture of the bot, when they are known."""
        ...

    def lead(self) -> None:
        """Capture what belongs to no bot too, such as log records: exactly one holder does so."""
        ...


def holders_of(manager: WebhookManager) -> list[Any]:
    """Return what shares a manager, the leading one first."""
    return keeper().__dict__.setdefault("holders", []) if find_current_manager() is manager else []


def is_leading(holder: Holder) -> bool:
    """Whether a holder captures what belongs to no bot."""
    return holders_of(holder.manager)[:1] == [holder]


def is_held(bot: object) -> bool:
    """Whether something captures what happens to a bot or client already."""
    holders: list[Any] = keeper().__dict__.get("holders", [])
    return any(holder.bot is bot for holder in holders)


async def join(holder: Holder) -> None:
    """Share the holder's manager; the first holder starts it unless the host did."""
    manager = holder.manager
    if find_current_manager() is not manager:
        make_current(manager)
    if not holders_of(manager):
        keeper().__dict__.update(was_running=manager.is_running, shared={})
    holders_of(manager).append(holder)
    await manager.start()
    sign(manager)


def leave(holder: Holder) -> bool:
    """Share the manager no longer; returns whether to stop it: it has no other holder, and the host did not start it itself."""
    holders = holders_of(holder.manager)
    led = is_leading(holder)
    if holder in holders:
        holders.remove(holder)
    if holders and led:
        holders[0].lead()
    sign(holder.manager)
    return not holders and not keeper().__dict__.get("was_running", False)


LetGo = Callable[[Callable[[], object]], Sequence[str]]


def hand_over(let_go: LetGo, seconds: float) -> None:
    """Leave hooks to the next load of the extension: `let_go` undoes them, calls its argument when few are left, and returns
    encoded events that no storage took.

    When no load takes them over, they are undone after so many seconds.
    """
    timer = asyncio.get_running_loop().call_later(seconds, take_over)
    keeper().__dict__["left"] = let_go, timer.cancel


def take_over(install: Callable[[], object] = lambda: None) -> Sequence[str]:
    """Call `install`, in the place of the hooks that an unload has left; returns encoded events (L2) that no storage took."""
    left: tuple[LetGo, Callable[[], None]] | None = keeper().__dict__.pop("left", None)
    if left is None:
        install()
        return ()
    let_go, cancel = left
    # It would keep all modules of before in memory.
    cancel()
    return let_go(install)


def share(manager: WebhookManager, name: str, make: Callable[[], T]) -> T:
    """Return what the holders of a manager share under a name; the first one makes it."""
    shared: dict[str, Any] = keeper().__dict__.setdefault("shared", {}) if find_current_manager() is manager else {}
    return shared.setdefault(name, make())


def sign(manager: WebhookManager) -> None:
    """Let messages say whose they are: of all bots that share the manager."""
    known: list[BotInfo] = [holder.bot_info for holder in holders_of(manager) if holder.bot_info is not None]
    if known:
        manager.host.set_bot_info(" + ".join(str(info.name) for info in known), known[0].avatar_url)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        # It was deleted.
        return ""
