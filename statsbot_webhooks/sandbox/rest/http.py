"""How requests are read and answered: bodies, uploads, and the exact headers that Discord sends."""

from __future__ import annotations

import json
import mimetypes
import re
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from ..state import JSON, State
from .errors import Refusal, is_finite, parts

# discord.py takes a 429 without this header for a ban by Cloudflare.
VIA: Final = {"Via": "1.1 google"}
# Shown as text and never as what they claim to be: they share the page's address.
_TEXT: Final = ("txt", "log", "md", "json", "csv", "py", "toml", "yml", "html", "htm", "svg", "xml", "js", "css")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carried; `is_valid` is false when its JSON could not be read."""

    payload: Any
    files: tuple[Upload, ...] = ()
    is_valid: bool = True

    @property
    def sizes(self) -> list[int]:
        return [len(file.data) for file in self.files]

    def table(self) -> JSON:
        """Return the payload when it is a JSON object, empty when there was no body; raises `Refusal`."""
        payload: object = self.payload
        if payload is None and self.is_valid:
            return {}
        if not self.is_valid or not isinstance(payload, dict) or not is_finite(cast(object, payload)):
            raise Refusal(400, 50109, "The request body contains invalid JSON.")
        return cast(JSON, payload)

    def items(self) -> list[JSON]:
        """Return the payload when it is a list; raises `Refusal`."""
        payload: object = self.payload
        if not self.is_valid or not isinstance(payload, list):
            raise Refusal(400, 50109, "The request body contains invalid JSON.")
        return cast(list[JSON], payload)


def reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer as Discord does; discord.py parses JSON only when the type is exactly this (W5)."""
    response = web.Response(body=json.dumps(body).encode(), status=status, headers=VIA if headers is None else headers)
    response.headers["Content-Type"] = "application/json"
    return response


def no_content(headers: dict[str, str] | None = None) -> web.Response:
    """Answer 204."""
    return web.Response(status=204, headers=VIA if headers is None else headers)


async def read_body(request: web.Request) -> Body:
    """Read JSON, or a form with `payload_json` and files."""
    if not request.can_read_body:
        return Body(None)
    try:
        if not request.content_type.startswith("multipart/"):
            raw = await request.read()
            return _parsed(raw) if raw else Body(None)
        return await _read_form(request)
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(413, 40005, "Request entity too large") from None


def _parsed(raw: bytes, files: tuple[Upload, ...] = ()) -> Body:
    try:
        return Body(json.loads(raw), files)
    except ValueError:
        return Body(None, files, is_valid=False)


async def _read_form(request: web.Request) -> Body:
    raw, fields, files = None, dict[str, Any](), list[Upload]()
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read(decode=False))
        if part.name == "payload_json":
            raw = data
        elif part.filename is not None:
            files.append(upload(part.filename, data))
        elif part.name:
            fields[part.name] = data.decode("utf-8", "replace")
    return _parsed(raw, tuple(files)) if raw is not None else Body(fields, tuple(files))


def upload(filename: str, data: bytes) -> Upload:
    """Return a file as it is kept: its name without what a path is made of, and a type that is safe to serve."""
    name = re.sub(r"[\s/\\]+", "_", filename)[-260:] or "file"
    ending = name.rpartition(".")[2].lower()
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_safe = guessed.split("/")[0] in ("image", "audio", "video")
    kind = guessed if is_safe and ending != "svg" else "application/octet-stream"
    return Upload(name, "text/plain; charset=utf-8" if ending in _TEXT else kind, data)


def store_files(state: State, base_url: str, channel_id: int, files: tuple[Upload, ...], payload: JSON) -> list[JSON]:
    """Keep files and return them as a message shows them; descriptions come from the payload."""
    described = {str(item.get("id")): item for item in parts(payload.get("attachments"))}
    stored: list[JSON] = []
    for index, file in enumerate(files):
        file_id = state.snowflake()
        state.files[channel_id, file_id, file.name] = (file.kind, file.data)
        url = f"{base_url}/attachments/{channel_id}/{file_id}/{quote(file.name, safe='')}"
        attachment: JSON = {
            "id": str(file_id), "filename": file.name, "size": len(file.data), "content_type": file.kind, "url": url,
            "proxy_url": url,
        }  # fmt: skip
        description = described.get(str(index), {}).get("description")
        stored.append(attachment | ({"description": description} if description else {}))
    return stored
