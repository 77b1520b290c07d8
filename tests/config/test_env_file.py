"""`.env` as the editors and shells of every system write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from statsbot_webhooks.config.env_file import read_env_file

TEXT = "# Schlüssel\nA=ü1\nB='two'\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_unicode_is_read(tmp_path: Path, encoding: str, line_end: str) -> None:
    (tmp_path / ".env").write_bytes(TEXT.replace("\n", line_end).encode(encoding))
    found = read_env_file(tmp_path / ".env")
    assert found.values == {"A": "ü1", "B": "two"}
    assert found.problems == ()


def test_a_line_that_is_no_utf_8_is_named_and_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("# fine: ä\n".encode() + "A=ü1\n".encode("cp1252") + "B=ü2\n".encode())
    found = read_env_file(tmp_path / ".env")
    assert found.values == {"A": "ü1", "B": "ü2"}
    (problem,) = found.problems
    assert problem.startswith(".env, line 2: not UTF-8")


@pytest.mark.parametrize("kind", ["none", "folder", "huge"])
def test_what_is_no_file_to_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ".env"
    if kind == "folder":
        path.mkdir()
    elif kind == "huge":
        path.write_bytes(b"A=1\n" * 300_000)
    found = read_env_file(path)
    assert found.values == {}
    assert [problem.partition(":")[0] for problem in found.problems] == ([] if kind == "none" else [".env cannot be read"])
