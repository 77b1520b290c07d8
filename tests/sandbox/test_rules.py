"""Every rule of Discord that the sandbox enforces, one row each, asked over HTTP as any client would."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from statsbot_webhooks.sandbox import Sandbox

JSON = dict[str, Any]
MIB = 1024 * 1024


@dataclass
class Client:
    """A sender without a library: what goes out and comes back is seen as it is."""

    session: aiohttp.ClientSession
    url: str
    base: str
    token: str

    async def post(self, payload: object, *files: bytes, query: str = "?wait=true") -> tuple[int, JSON, Any]:
        return await self.send("POST", self.url + query, payload, *files)

    async def send(
        self, method: str, url: str, payload: object = None, *files: bytes, bot: bool = False
    ) -> tuple[int, JSON, Any]:
        headers, data = {"Authorization": f"Bot {self.token}"} if bot else {}, aiohttp.FormData()
        if files:
            data.add_field("payload_json", json.dumps(payload))
            for index, content in enumerate(files):
                data.add_field(f"files[{index}]", io.BytesIO(content), filename=f"{index}.txt")
        kind = {"data": data} if files else {"data": payload} if isinstance(payload, bytes) else {"json": payload}
        async with self.session.request(method, url, headers=headers, **({} if payload is None else kind)) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else {}, answer.headers


@pytest.fixture(scope="module")
def box():
    """One server for the whole table; a webhook has no limits here."""
    with Sandbox(limits=False) as box:
        yield box


@pytest.fixture
async def client(box: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield client_of(session, box, box.webhook_url("error"))


def client_of(session: aiohttp.ClientSession, box: Sandbox, url: str) -> Client:
    return Client(session, url.replace("https://discord.com", box.base_url), f"{box.base_url}/api/v10", box.bot_token)


def embed(**parts: Any) -> JSON:
    return {"embeds": [parts]}


def fields(count: int, **parts: str) -> JSON:
    return embed(fields=[{"name": "n", "value": "v", **parts} for _ in range(count)])


def buttons(*rows: list[JSON]) -> JSON:
    return {"content": "x", "components": [{"type": 1, "components": row} for row in rows]}


def button(custom_id: str = "a", **parts: Any) -> JSON:
    return {"type": 2, "style": 1, "label": "press", "custom_id": custom_id, **parts}


def options(count: int, **parts: str) -> list[JSON]:
    return [{"label": "x", "value": str(index), **parts} for index in range(count)]


def select(**parts: Any) -> JSON:
    return {"type": 3, "custom_id": "s", "options": options(1), **parts}


# The longest or most that is taken, one more than that, and where and how the error is reported.
EDGES: list[tuple[str, JSON, JSON, str, str]] = [
    ("content", {"content": "x" * 2000}, {"content": "x" * 2001}, "content", "BASE_TYPE_MAX_LENGTH"),
    # Counted in UTF-16 units, the strictest way.
    ("emoji", {"content": "😀" * 1000}, {"content": "😀" * 1001}, "content", "BASE_TYPE_MAX_LENGTH"),
    ("title", embed(title="x" * 256), embed(title="x" * 257), "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
    ("description", embed(description="x" * 4096), embed(description="x" * 4097), "embeds.0.description", "BASE_TYPE_MAX_LENGTH"),
    ("footer", embed(footer={"text": "x" * 2048}), embed(footer={"text": "x" * 2049}), "embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH"),
    ("author", embed(author={"name": "x" * 256}), embed(author={"name": "x" * 257}), "embeds.0.author.name", "BASE_TYPE_MAX_LENGTH"),
    ("fields", fields(25), fields(26), "embeds.0.fields", "BASE_TYPE_BAD_LENGTH"),
    ("field name", fields(1, name="x" * 256), fields(1, name="x" * 257), "embeds.0.fields.0.name", "BASE_TYPE_MAX_LENGTH"),
    ("field value", fields(1, value="x" * 1024), fields(1, value="x" * 1025), "embeds.0.fields.0.value", "BASE_TYPE_MAX_LENGTH"),
    ("empty field name", fields(1), fields(1, name=" "), "embeds.0.fields.0.name", "BASE_TYPE_REQUIRED"),
    ("empty field value", fields(1), fields(1, value=""), "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED"),
    ("embeds", {"embeds": [{"title": "x"}] * 10}, {"embeds": [{"title": "x"}] * 11}, "embeds", "BASE_TYPE_BAD_LENGTH"),
    (
        "sum over embeds", {"embeds": [{"description": "x" * 3000}] * 2},
        {"embeds": [{"description": "x" * 3000}, {"title": "x", "description": "x" * 3000}]}, "embeds", "MAX_EMBED_SIZE_EXCEEDED",
    ),
    ("color", embed(title="x", color=0xFFFFFF), embed(title="x", color=0x1000000), "embeds.0.color", "NUMBER_TYPE_MAX"),
    ("color below", embed(title="x", color=0), embed(title="x", color=-1), "embeds.0.color", "NUMBER_TYPE_MIN"),
    ("color type", embed(title="x", color=1), embed(title="x", color="red"), "embeds.0.color", "NUMBER_TYPE_COERCE"),
    ("time", embed(title="x", timestamp="2026-01-01T00:00:00+00:00"), embed(title="x", timestamp="20260101"), "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE"),
    ("time that is none", embed(title="x", timestamp="2026-01-01T00:00:00Z"), embed(title="x", timestamp="2026-02-30T00:00:00Z"), "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE"),
    ("url", embed(title="x", url="https://a.b/c"), embed(title="x", url="no url"), "embeds.0.url", "URL_TYPE_INVALID_URL"),
    ("url scheme", embed(title="x", url="http://a.b"), embed(title="x", url="ftp://a.b"), "embeds.0.url", "URL_TYPE_INVALID_SCHEME"),
    ("url length", embed(title="x", url="https://a.b/" + "c" * 2036), embed(title="x", url="https://a.b/" + "c" * 2037), "embeds.0.url", "URL_TYPE_INVALID_URL"),
    ("picture", embed(image={"url": "attachment://a.png"}), embed(image={"url": "file://a.png"}), "embeds.0.image.url", "URL_TYPE_INVALID_SCHEME"),
    ("icon", embed(title="x", footer={"text": "x", "icon_url": "https://a.b"}), embed(title="x", footer={"text": "x", "icon_url": "x"}), "embeds.0.footer.icon_url", "URL_TYPE_INVALID_URL"),
    ("name", {"content": "x", "username": "n" * 80}, {"content": "x", "username": "n" * 81}, "username", "BASE_TYPE_MAX_LENGTH"),
    ("empty name", {"content": "x", "username": "n"}, {"content": "x", "username": " "}, "username", "BASE_TYPE_BAD_LENGTH"),
    ("name with discord", {"content": "x", "username": "disc ord"}, {"content": "x", "username": "my DisCord bot"}, "username", "USERNAME_INVALID_CONTAINS"),
    ("name with clyde", {"content": "x", "username": "Cly de"}, {"content": "x", "username": "Bonnie & Clyde"}, "username", "USERNAME_INVALID_CONTAINS"),
    ("avatar", {"content": "x", "avatar_url": "https://a.b/c.png"}, {"content": "x", "avatar_url": "data:image/png"}, "avatar_url", "URL_TYPE_INVALID_URL"),
    ("flags", {"content": "x", "flags": 4096}, {"content": "x", "flags": "4096"}, "flags", "NUMBER_TYPE_COERCE"),
    ("text", {"content": "x"}, {"content": 17}, "content", "STRING_TYPE_CONVERT"),
    ("embed type", embed(title="x"), {"embeds": ["x"]}, "embeds.0", "MODEL_TYPE_CONVERT"),
    ("list type", {"embeds": [], "content": "x"}, {"embeds": {}, "content": "x"}, "embeds", "LIST_TYPE_CONVERT"),
    ("mention kinds", {"content": "x", "allowed_mentions": {"parse": ["users"]}}, {"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0", "BASE_TYPE_CHOICES"),
    ("mentioned", {"content": "x", "allowed_mentions": {"users": ["1"] * 100}}, {"content": "x", "allowed_mentions": {"users": ["1"] * 101}}, "allowed_mentions.users", "BASE_TYPE_BAD_LENGTH"),
    ("mentioned ids", {"content": "x", "allowed_mentions": {"roles": ["1"]}}, {"content": "x", "allowed_mentions": {"roles": ["one"]}}, "allowed_mentions.roles.0", "NUMBER_TYPE_COERCE"),
    ("both ways", {"content": "x", "allowed_mentions": {"parse": ["users"], "roles": ["1"]}}, {"content": "x", "allowed_mentions": {"parse": ["roles"], "roles": ["1"]}}, "allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"),
    ("rows", buttons(*[[button(f"{i}")] for i in range(5)]), buttons(*[[button(f"{i}")] for i in range(6)]), "components", "BASE_TYPE_BAD_LENGTH"),
    ("buttons in a row", buttons([button(f"{i}") for i in range(5)]), buttons([button(f"{i}") for i in range(6)]), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
    ("an empty row", buttons([button()]), buttons([]), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
    ("no row", buttons([button()]), {"content": "x", "components": [button()]}, "components.0.type", "BASE_TYPE_CHOICES"),
    ("custom id", buttons([button("a" * 100)]), buttons([button("a" * 101)]), "components.0.components.0.custom_id", "BASE_TYPE_MAX_LENGTH"),
    ("custom ids", buttons([button("a"), button("b")]), buttons([button("a"), button("a")]), "components", "COMPONENT_CUSTOM_ID_DUPLICATED"),
    ("label", buttons([button(label="l" * 80)]), buttons([button(label="l" * 81)]), "components.0.components.0.label", "BASE_TYPE_MAX_LENGTH"),
    ("no label", buttons([button(label="", emoji={"name": "😀"})]), buttons([button(label="")]), "components.0.components.0", "BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI"),
    ("link", buttons([{"type": 2, "style": 5, "label": "x", "url": "https://a.b"}]), buttons([{"type": 2, "style": 5, "label": "x", "url": "ftp://a"}]), "components.0.components.0.url", "URL_TYPE_INVALID_SCHEME"),
    ("options", buttons([select(options=options(25))]), buttons([select(options=options(26))]), "components.0.components.0.options", "BASE_TYPE_BAD_LENGTH"),
    ("no options", buttons([select()]), buttons([select(options=[])]), "components.0.components.0.options", "BASE_TYPE_BAD_LENGTH"),
    ("same option", buttons([select(options=options(2))]), buttons([select(options=options(2, value="x"))]), "components.0.components.0.options.1.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"),
    ("option label", buttons([select(options=options(1, label="x" * 100))]), buttons([select(options=options(1, label="x" * 101))]), "components.0.components.0.options.0.label", "BASE_TYPE_MAX_LENGTH"),
    ("placeholder", buttons([select(placeholder="x" * 150)]), buttons([select(placeholder="x" * 151)]), "components.0.components.0.placeholder", "BASE_TYPE_MAX_LENGTH"),
    ("menu beside", buttons([select()]), buttons([select(), button()]), "components.0.components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
]  # fmt: skip


@pytest.mark.parametrize(("fits", "too_much", "path", "code"), [row[1:] for row in EDGES], ids=[row[0] for row in EDGES])
async def test_what_just_fits_and_what_does_not(client: Client, fits: JSON, too_much: JSON, path: str, code: str) -> None:
    status, message, _ = await client.post(fits)
    assert (status, message.get("content") is not None) == (200, True), message
    status, error, headers = await client.post(too_much)
    assert (status, error["code"], error["message"]) == (400, 50035, "Invalid Form Body")
    place = error["errors"]
    for part in path.split("."):
        place = place[part]
    assert [item["code"] for item in place["_errors"]] == [code]
    assert all(item["message"] for item in place["_errors"])
    assert headers["Content-Type"] == "application/json"
    assert headers["Via"] == "1.1 google"


OTHERS: list[tuple[str, object, tuple[bytes, ...], int, int]] = [
    ("nothing", {}, (), 400, 50006),
    ("blank", {"content": " \n"}, (), 400, 50006),
    ("empty embed", embed(), (), 400, 50006),
    ("only a color", embed(color=1), (), 400, 50006),
    ("only an author", embed(author={"name": "a"}), (), 200, 0),
    ("only a file", {}, (b"x",), 200, 0),
    ("ten files", {}, (b"x",) * 10, 200, 0),
    ("eleven files", {}, (b"x",) * 11, 400, 50035),
    ("just 10 MiB", {}, (b"x" * (5 * MIB), b"y" * (5 * MIB)), 200, 0),
    ("more than 10 MiB", {}, (b"x" * (5 * MIB), b"y" * (5 * MIB + 1)), 413, 40005),
    ("no JSON", b"{", (), 400, 50109),
    ("a list", b"[]", (), 400, 50109),
    ("not a number", b'{"content": "x", "embeds": [{"title": "x", "color": NaN}]}', (), 400, 50109),
    ("infinite", b'{"content": "x", "flags": Infinity}', (), 400, 50109),
    ("a thread name outside of a forum", {"content": "x", "thread_name": "t"}, (), 400, 220003),
]


@pytest.mark.parametrize(("payload", "files", "status", "code"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
async def test_other_answers(client: Client, payload: object, files: tuple[bytes, ...], status: int, code: int) -> None:
    got, body, headers = await client.post(payload, *files)
    assert (got, body.get("code", 0)) == (status, code), body
    assert headers["Content-Type"] == "application/json"


async def test_ways_that_do_not_exist_and_keys_that_do_not_fit(client: Client) -> None:
    wrong = client.url.rpartition("/")[0]
    for method, url, status, code in (
        ("POST", wrong + "/wrong-token", 401, 50027),
        ("POST", f"{client.base}/webhooks/1/abc", 404, 10015),
        ("PATCH", client.url + "/messages/1", 404, 10008),
        ("POST", client.url + "?thread_id=1", 404, 10003),
        ("GET", wrong, 401, 0),
        ("GET", f"{client.base}/nothing", 401, 0),
    ):
        got, body, _ = await client.send(method, url, {"content": "x"} if method != "GET" else None)
        assert (got, body["code"]) == (status, code), url
    got, body, _ = await client.send("GET", f"{client.base}/nothing", bot=True)
    assert (got, body["message"]) == (501, "the sandbox does not implement GET /nothing")
    # discord.py repeats every 5xx on these routes for 25 s.
    got, body, _ = await client.send("GET", client.url + "/nothing", bot=True)
    assert (got, "the sandbox does not implement GET" in body["message"]) == (400, True)
    # Without `wait` nothing comes back, and an old version of the API is the same.
    assert (await client.post({"content": "x"}, query=""))[0] == 204
    assert (await client.send("POST", client.url.replace("/api/", "/api/v9/") + "?wait=1", {"content": "x"}))[0] == 200


async def test_what_can_be_done_with_a_webhook_itself(client: Client, box: Sandbox) -> None:
    url = client_of(client.session, box, box.webhook_url("own", "own-channel")).url
    assert (await client.send("GET", url))[1]["name"] == "own"
    assert (await client.send("PATCH", url, {"name": "new"}))[1]["name"] == "new"
    for name in ("my discord", " ", "x" * 81):
        assert (await client.send("PATCH", url, {"name": name}))[0] == 400
    assert (await client.send("PUT", url, {}))[0] == 405
    assert (await client.send("DELETE", url))[0] == 204
    assert (await client.send("GET", url))[1]["code"] == 10015


async def test_forums_take_a_name_or_a_thread_and_not_both(client: Client, box: Sandbox) -> None:
    box.add_channel("forum", forum=True)
    forum = client_of(client.session, box, box.webhook_url("forum", "forum"))
    assert (await forum.post({"content": "x"}))[1]["code"] == 220001
    assert (await forum.post({"content": "x", "thread_name": "t" * 101}))[1]["code"] == 50035
    status, first, _ = await forum.post({"content": "x", "thread_name": "a post"})
    assert status == 200
    assert not box.messages("forum"), "a forum itself holds no messages"
    status, second, _ = await forum.post({"content": "y"}, query=f"?wait=true&thread_id={first['channel_id']}")
    assert second["channel_id"] == first["channel_id"]
    both = await forum.post({"content": "x", "thread_name": "t"}, query=f"?thread_id={first['channel_id']}")
    assert both[1]["code"] == 220002
    assert [message.content for message in box.messages("a post")] == ["x", "y"]


async def test_edits(client: Client) -> None:
    _, message, _ = await client.post({"content": "one", "flags": 4096 | 64}, b"file")
    assert message["flags"] == 4096, "a webhook can be silent, and cannot speak to one person only"
    url = f"{client.url}/messages/{message['id']}"
    status, edited, _ = await client.send("PATCH", url, {"content": "two", "flags": 4})
    assert (status, edited["content"], edited["flags"]) == (200, "two", 4096 | 4)
    assert edited["edited_timestamp"]
    assert (await client.send("PATCH", url, {"content": "x" * 2001}))[1]["code"] == 50035
    # The name is not looked at in an edit, and the file still shows something.
    assert (await client.send("PATCH", url, {"content": "", "username": "discord"}))[0] == 200
    assert (await client.send("PATCH", url, {"attachments": []}))[1]["code"] == 50006
    assert (await client.send("GET", url))[1]["attachments"]
    assert (await client.send("DELETE", url))[0] == 204
    assert (await client.send("DELETE", url))[1]["code"] == 10008
