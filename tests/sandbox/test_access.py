"""Only its own names and its own page are answered, however a request names where it goes and where it comes from."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from statsbot_webhooks.sandbox import Sandbox


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example:PORT"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Host": "localhost:PORT"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:PORT"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, 403),
        *(({"Sec-Fetch-Site": site}, 403) for site in ("same-site", "CROSS-SITE", "")),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_only_its_own_names_and_its_own_page_are_answered(headers: dict[str, str], status: int) -> None:
    async with Sandbox() as box:
        port = box.base_url.rpartition(":")[2]
        sent = {name: value.replace("PORT", port) for name, value in headers.items()}
        async with aiohttp.ClientSession() as session:
            for path in ("/page/state", "/page/about", "/api/v10/gateway", "/gateway/", "/"):
                async with session.get(box.base_url + path, headers=sent) as answer:
                    wanted = 400 if path == "/gateway/" and status == 200 else status
                    assert answer.status == wanted, path
                    if status != 200:
                        assert await answer.read() == b""
            join = {"do": "join", "name": "eve", "user": "1"}
            async with session.post(f"{box.base_url}/page/act", json=join, headers=sent) as answer:
                assert answer.status == status
            async with session.post(f"{box.base_url}/page/act", data=json.dumps(join), headers=sent) as answer:
                assert answer.status == (404 if status == 200 else status), "a form of another page sends plain text"
        members = box.state.guilds[box.guild_id].members.values()
        assert [member["user"]["username"] for member in members].count("eve") == (status == 200)


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        ("GET http://evil.example/ HTTP/1.1", "Host: OWN", 421),
        ("GET http://OWN/ HTTP/1.1", "Host: evil.example", 421),
        ("CONNECT evil.example:443 HTTP/1.1", "Host: OWN", 421),
        ("GET / HTTP/1.0", "Accept: */*", 421),
        *(
            ("GET / HTTP/1.1", f"Host: {host}", 421)
            for host in ("localhost.:PORT", "127.1:PORT", "::1:PORT", "0.0.0.0:PORT", "127.0.0.1", "x.localhost:PORT", "")
        ),
        ("GET / HTTP/1.1", "Host: [::1]:PORT", 200),
        ("GET / HTTP/1.1", "Host: OWN\r\nHost: evil.example", 400),
        ("GET / HTTP/1.1", "Host: OWN\r\nOrigin: http://OWN\r\nOrigin: http://evil.example", 403),
        ("OPTIONS /api/v10/gateway HTTP/1.1", "Host: OWN\r\nOrigin: http://evil.example", 403),
    ],
)
async def test_no_other_way_to_name_it_is_answered(line: str, headers: str, status: int) -> None:
    async with Sandbox() as box:
        own = box.base_url.removeprefix("http://")
        host, _, port = own.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        text = f"{line}\r\n{headers}\r\nConnection: close\r\n\r\n".replace("OWN", own).replace("PORT", port)
        writer.write(text.encode())
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert answer.split()[1] == str(status).encode()
