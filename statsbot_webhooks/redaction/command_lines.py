"""Passwords on command lines: `--password x`, `-u user:password`, and the letters that single programs use. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .scanner import Found

_VALUE: Final = r"(?:\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|[^\s\"'\-][^\s\"']*+)"
# In a list of arguments, as Python and JSON write one, a quote and a comma stand between.
_GAP: Final = r"(?:[ \t]{1,4}|=|[\"'],\s?[\"'])"
_USER: Final = re.compile(
    rf"-(?<=[\s\"']-)(?:u|U|-user|-proxy-user|-userpwd|-credentials?){_GAP}?[\"']?[^\s:\"'/]{{1,80}}:(?P<value>[^\s\"'/][^\s\"']*+)".encode()
)
# The letters of single programs for a password. The option is found first, and then looked for the program before it.
_LETTER: Final = re.compile(
    rf"-(?<=[\s\"']-)(?P<letter>pass(?:in|out)?(?=[ =])|[paPwUk])(?P<gap>[ =]?)(?:pass:)?(?P<value>{_VALUE})".encode()
)
# How all of these begin.
_OPTION: Final = re.compile(rb"-(?<=[\s\"']-)(?:[paPwUku]|-user|-proxy-user|-credential)|htpasswd")
_PROGRAMS: Final = {
    b"p": re.compile(
        rb"\b(?:sshpass|(?:docker|podman|az) login|mongo(?:sh|dump|restore|export|import)?|cqlsh|"
        rb"7za?|smbmap|lpass|psexec|plink|pscp)\b[^\n|;]*\Z"
    ),
    b"a": re.compile(rb"\b(?:redis|keydb|valkey)-cli\b[^\n|;]*\Z"),
    b"P": re.compile(rb"\b(?:sqlcmd|bcp|unzip|zip|isql|influx)\b[^\n|;]*\Z"),
    b"w": re.compile(rb"\bldap(?:search|modify|add|whoami|delete|passwd)\b[^\n|;]*\Z"),
    b"U": re.compile(rb"\b(?:smbclient|rpcclient|net)\b[^\n|;]*\Z"),
    b"k": re.compile(rb"\bopenssl\b[^\n|;]*\Z"),
}
# One of these is in the name of each.
_PROGRAM_NAMES: Final = (
    *(b"login", b"mongo", b"pass", b"cqlsh", b"7z", b"smb", b"psexec", b"plink", b"pscp", b"-cli", b"sqlcmd", b"bcp", b"zip"),
    *(b"isql", b"influx", b"ldap", b"rpcclient", b"net", b"openssl", b"mysql", b"mariadb", b"mytop"),
)
# With a blank between it would be the name of a data base.
_MYSQL: Final = re.compile(rb"\b(?:mysql\w{0,8}|mariadb(?:-\w{1,12})?|mytop)\b[^\n|;]*\Z")
_HTPASSWD: Final = re.compile(rf"\bhtpasswd\s-\w{{0,4}}b\w{{0,4}}\s\S{{1,100}}\s\S{{1,100}}\s(?P<value>{_VALUE})".encode())
_PLACEHOLDER: Final = re.compile(rb"[\"']?(?:\$[A-Z_{(][^\s]*|<[^>\n]*>|\*{3,}|%s|\{\w*\}|\.{3})[\"']?")


def may_have_option(data: bytes) -> bool:
    """Whether a text may have an option with a password; False is sure."""
    return b"-" in data and _OPTION.search(data) is not None


def find_options(data: bytes) -> Iterator[Found]:
    """Yield the passwords that stand behind an option of a command."""
    for match in _USER.finditer(data):
        if not _PLACEHOLDER.fullmatch(match["value"]):
            yield Found(match.start("value"), match.end("value"), "password")
    if b"htpasswd" in data:
        for match in _HTPASSWD.finditer(data):
            yield Found(match.start("value"), match.end("value"), "password")
    if _LETTER.search(data) is None or not any(program in data for program in _PROGRAM_NAMES):
        return
    for match in _LETTER.finditer(data):
        if _is_password(data, match) and not _PLACEHOLDER.fullmatch(match["value"]):
            start = match.start("value")
            if match["letter"] == b"U":
                start += match["value"].find(b"%") + 1
            yield Found(start, match.end("value"), "password")


def replace_options(data: bytes) -> bytes:
    """Return a text without passwords of commands, of which it has very many."""
    return _USER.sub(b"-u [redacted: password]", data)


def _is_password(data: bytes, match: re.Match[bytes]) -> bool:
    letter, start = match["letter"], match.start()
    before = data[max(0, start - 200) : start]
    if letter == b"p" and not match["gap"] and _MYSQL.search(before):
        return len(match["value"]) > 2
    if letter.startswith(b"pass"):
        letter = b"k"
    program = _PROGRAMS.get(letter)
    return program is not None and program.search(before) is not None and (letter != b"U" or b"%" in match["value"])
