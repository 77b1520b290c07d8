"""Where a repository is on the web: from the address of a remote to the form of a link to a line. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

# git@github.com:me/bot.git, as ssh has it.
_SSH: Final = re.compile(r"(?:[^@/\s]+@)?([\w.-]+):(?!/)([^\s]+)\Z")
_GITHUB: Final = "{base}/blob/{commit}/{path}#L{line}"
_GITLAB: Final = "{base}/-/blob/{commit}/{path}#L{line}"
_GITEA: Final = "{base}/src/commit/{commit}/{path}#L{line}"
_BITBUCKET: Final = "{base}/src/{commit}/{path}#lines-{line}"
_SOURCEHUT: Final = "{base}/tree/{commit}/item/{path}#L{line}"
# By a part of the host's name; a host that is none of these may have any form, so nothing is claimed.
_FORMS: Final[Mapping[str, str]] = {
    "github": _GITHUB,
    "gitlab": _GITLAB,
    "codeberg": _GITEA,
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "bitbucket": _BITBUCKET,
    "sr.ht": _SOURCEHUT,
}
_FIELDS: Final = re.compile(r"\{(base|commit|path|line)\}")


def link_form(address: str) -> str:
    """Return the form of a link for an address, with `{commit}`, `{path}` and `{line}`; empty when there is none to know."""
    base = web_address(address)
    if not base:
        return ""
    if "{path}" in base:
        return base
    host = urlsplit(base).hostname or ""
    form = next((form for part, form in _FORMS.items() if part in host), "")
    return fill(form, base=base) if form else ""


def web_address(address: str) -> str:
    """Return the address of a repository as a browser takes it, without users, passwords and tokens; empty for no such one."""
    text = address.strip()
    if "://" not in text:
        match = _SSH.match(text)
        return _clean(f"https://{match[1]}/{match[2]}") if match else ""
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in ("http", "https", "ssh", "git", "git+ssh"):
        return ""
    try:
        parts = urlsplit(f"https://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    # The port of ssh is not that of the web; a query may hold a token.
    place = f"{host}:{port}" if port and scheme.lower() in ("http", "https") else host
    web = "http" if scheme.lower() == "http" else "https"
    more = f"#{parts.fragment}" if "{path}" in text and parts.fragment else ""
    return _clean(f"{web}://{place}{parts.path}") + more


def _clean(url: str) -> str:
    return url.rstrip("/").removesuffix(".git")


def fill(form: str, **values: str) -> str:
    """Return a form with some of its fields filled in, in one go: what is filled in is not looked at again."""
    return _FIELDS.sub(lambda match: values.get(match[1], match[0]), form)
