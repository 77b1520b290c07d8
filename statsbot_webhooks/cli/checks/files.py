"""Secrets in files that git tracks, and the storage file. Shows where a secret is, never what it is."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ...config.destination import WebhookURL
from ...config.redis_address import is_redis_url, parse_redis_url
from ...errors import StorageError
from ...storage import Outbox, open_existing, storage_path
from ...storage.private_files import create_new
from .report import Finding, Grade

# Shapes of real ones: an id of 17 digits and a token of 60 characters are more than any example has.
_SHAPES: Final = {
    "the URL of a webhook": re.compile(rb"webhooks/\d{17,20}/[\w-]{60,100}"),
    "a bot token": re.compile(rb"(?<![\w-])[A-Za-z0-9_-]{23,28}\.[\w-]{6}\.[\w-]{27,45}(?![\w-])"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"),
}
_LARGEST: Final = 2_000_000
_ENV_FILE: Final = re.compile(r"(?:^|/)\.env(?:\.(?!example|sample|template|dist)[\w.-]+)?\Z")
_FREE_BYTES: Final = 50_000_000


def scan_tracked_files(folder: Path, secrets: Iterable[str] = ()) -> list[Finding]:
    """Look into every file that git tracks in a folder, for what looks like a secret or is one of `secrets`."""
    names = _git(folder, "ls-files", "-z")
    if names is None:
        return [Finding(Grade.NOTE, "git", "this folder is not a git repository, or git is not installed: nothing was looked at")]
    tracked = [name for name in names.split("\0") if name]
    values = {value.encode() for value in secrets if len(value) >= 12}
    findings = [
        Finding(Grade.ERROR, name, "git tracks it; take it out (git rm --cached) and change every secret in it")
        for name in tracked
        if _ENV_FILE.search(name)
    ]
    for name in tracked:
        findings += [
            Finding(Grade.ERROR, f"{name}:{line}", f"{what}; take it out and change it")
            for line, what in _scan(folder / name, values)
        ]
    if (folder / ".env").exists() and _git(folder, "check-ignore", "-q", ".env") is None and ".env" not in tracked:
        findings.append(Finding(Grade.WARNING, ".env", "git does not ignore it; add it to .gitignore"))
    return findings or [Finding(Grade.OK, "git", f"no secret in {len(tracked)} tracked files")]


def _scan(path: Path, values: set[bytes]) -> Iterator[tuple[int, str]]:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            return
        data = path.read_bytes()
    except OSError:
        return  # deleted since it was added
    for what, pattern in _SHAPES.items():
        for match in pattern.finditer(data):
            yield data.count(b"\n", 0, match.start()) + 1, what
    for value in values:
        place = data.find(value)
        if place >= 0:
            yield data.count(b"\n", 0, place) + 1, "a secret of the environment or of .env"


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run([git, *arguments], cwd=folder, capture_output=True, check=False)  # noqa: S603 - our own arguments
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def look_at_storage(url: str) -> tuple[list[Finding], dict[str, WebhookURL]]:
    """Say whether events can be kept, and return the webhooks that `/webhooks setup` stored there."""
    if is_redis_url(url):
        return _look_at_redis(url)
    path = storage_path(url)
    if path is None:
        return [Finding(Grade.NOTE, "storage", "memory://: what waits is lost when the bot ends")], {}
    folder = path.absolute().parent
    try:
        probe = folder / f".{path.name}.check"
        os.close(create_new(probe))
        probe.unlink()
    except OSError as error:
        return [Finding(Grade.ERROR, "storage", f"nothing can be written into its folder: {error.strerror}")], {}
    findings: list[Finding] = []
    if shutil.disk_usage(folder).free < _FREE_BYTES:
        findings.append(Finding(Grade.WARNING, "storage", "less than 50 MB are free on its disk"))
    if not path.exists():
        return [*findings, Finding(Grade.OK, "storage", f"{path.name} will be made at the first start")], {}
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        findings.append(Finding(Grade.WARNING, "storage", f"others may read {path.name}: chmod 600"))
    try:
        outbox = open_existing(url)
    except StorageError as error:
        return [*findings, Finding(Grade.NOTE, "storage", str(error))], {}
    return [*findings, Finding(Grade.OK, "storage", f"{path.name} can be read and written")], _stored_urls(outbox)


def _look_at_redis(url: str) -> tuple[list[Finding], dict[str, WebhookURL]]:
    try:
        outbox = open_existing(url)
    except StorageError as error:
        text = f"{error}. Events of this process wait in its own file until it takes them; nothing is sent meanwhile"
        return [Finding(Grade.ERROR, "storage", text)], {}
    return [Finding(Grade.OK, "storage", f"{parse_redis_url(url)} answers")], _stored_urls(outbox)


def _stored_urls(outbox: Outbox) -> dict[str, WebhookURL]:
    try:
        stored = outbox.read_state("url/")
    finally:
        outbox.close()
    return {key.removeprefix("url/"): WebhookURL(text) for key, text in stored.items()}
