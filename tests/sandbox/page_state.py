"""A server for the page to show, with something of everything; no bot and no rules are behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=2>"
TRACE = """Traceback (most recent call last):
  File "/app/bot.py", line 42, in play
    raise KeyError("song")
KeyError: 'song'"""
LOG = "".join(f"{number:02} 2026-01-01 12:00:00 INFO line <b>{number}</b>\n" for number in range(1, 41))
JSON = dict[str, Any]
MARKDOWN = """# Heading
-# small print
**bold** *italic* _also_ __under__ ~~gone~~ `a*b*c` ||secret|| snake_case_name \\*plain\\* ***both***
> quoted **text**
> goes on
- one
- two
```diff
+ added
- removed
```
```ansi
\x1b[1;31mred\x1b[0m normal
```
after 2 * 3 * 4"""


@dataclass
class Memory:
    """The smallest state that the page can show."""

    guilds: list[JSON] = field(default_factory=list[JSON])
    messages: dict[str, list[JSON]] = field(default_factory=dict[str, list[JSON]])
    listeners: list[Callable[[str, JSON], None]] = field(default_factory=list[Callable[[str, JSON], None]])
    _ids: int = 1000

    def snapshot(self) -> JSON:
        return {"guilds": self.guilds, "messages": self.messages}

    def subscribe(self, callback: Callable[[str, JSON], None], /) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def emit(self, kind: str, data: JSON) -> None:
        for listener in list(self.listeners):
            listener(kind, data)

    def channel(self, channel_id: str, name: str, topic: str = "") -> None:
        channel = {"id": channel_id, "guild_id": "1", "name": name, "topic": topic, "type": 0}
        self.guilds[0]["channels"].append(channel)
        self.messages[channel_id] = []
        self.emit("channel_create", channel)

    def say(self, channel_id: str, content: str = "", *, by: str = "Statsbot", minute: float = 0, **more: Any) -> JSON:
        self._ids += 1
        author = {"id": f"9{sum(map(ord, by))}", "username": by, "avatar": None, "bot": by not in ("mia", HOSTILE)}
        message: JSON = {
            "id": str(self._ids), "channel_id": channel_id, "content": content, "author": author, "embeds": [],
            "attachments": [], "timestamp": (NOON + timedelta(minutes=minute)).isoformat(), "edited_timestamp": None,
            "flags": 0, "mentions": [], "mention_everyone": False, **more,
        }  # fmt: skip
        self.messages[channel_id].append(message)
        self.emit("message_create", message)
        return message


def file(name: str, data: str, kind: str = "text/plain") -> JSON:
    return {"id": "7", "filename": name, "size": len(data), "url": f"/files/{name}", "content_type": kind}


def demo() -> Memory:
    """Return a server with something of everything."""
    state = Memory([{"id": "1", "name": "Test Server", "channels": []}])
    state.channel("10", "errors", "Exceptions with tracebacks")
    state.channel("11", "members", "Who comes and goes")
    state.channel("12", "logs", "What the bot logs")
    state.channel("13", "empty")
    embed: JSON = {
        "title": "KeyError: 'song'", "description": f"While handling `/play`:\n```py\n{TRACE}\n```", "color": 0xE74C3C,
        "author": {"name": "statsbot"}, "footer": {"text": "shard 0 | 3f9a"}, "timestamp": NOON.isoformat(),
        "fields": [
            {"name": "Level", "value": "ERROR", "inline": True},
            {"name": "Server", "value": "Test **Server**", "inline": True},
            {"name": "Command", "value": "`/play`", "inline": True},
            {"name": "Where", "value": "cogs/music.py:42", "inline": False},
            {"name": "User", "value": "<@9311>", "inline": True},
            {"name": "Seen", "value": "<t:1700000000:R>", "inline": True},
        ],
    }  # fmt: skip
    state.say("10", embeds=[embed], webhook_id="5")
    state.say("10", embeds=[{"title": "Slow: `db.query`", "description": "3.2 s, limit 1.0 s", "color": 0xF0B232}], minute=2)
    edited = {"edited_timestamp": (NOON + timedelta(minutes=4)).isoformat()}
    state.say("10", "Seen **12 times** since <t:1700000000:t>", minute=3, **edited)
    state.say("10", "The whole report:", minute=20, attachments=[file("events.txt", LOG)], flags=4096)
    joined: JSON = {"title": "Member joined", "description": "<@9311> is here", "color": 0x23A55A, "thumbnail": None}
    state.say("11", embeds=[joined], by="Gatekeeper")
    state.say("11", "Hello @everyone in <#10>, I am *new*!", by="mia", minute=1)
    state.say("11", "@everyone really", by="mia", minute=2, mention_everyone=True)
    state.say("12", HOSTILE, by=HOSTILE)
    state.say(
        "12",
        "[click](javascript:alert(1)) [fine](https://example.org/a) https://example.org/b?c=d.",
        by="mia",
        minute=1,
    )
    state.say("12", MARKDOWN, by="mia", minute=2)
    hostile_field = {"name": HOSTILE, "value": HOSTILE, "inline": True}
    hostile: JSON = {
        "title": HOSTILE, "description": HOSTILE, "url": "javascript:window.hacked=3", "footer": {"text": HOSTILE},
        "fields": [hostile_field], "color": "red;background:url(//x)", "image": {"url": "javascript:window.hacked=4"},
    }  # fmt: skip
    state.say("12", embeds=[hostile], attachments=[file(HOSTILE, "x", "application/zip")], by="mia", minute=3)
    return state
