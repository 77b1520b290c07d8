"""Files that were put aside go as a whole when a person is in any of their parts, and no others go."""

from __future__ import annotations

from pathlib import Path

from statsbot_webhooks.storage.damaged_files import delete_damaged

BOX = Path("box.sqlite3")


def is_meant(text: str) -> bool:
    return "anna 123456789" in text


def test_all_parts_of_a_file_go_with_it() -> None:
    for number, parts in enumerate((("",), ("-wal",), ("-shm",), (), ("", "-wal", "-shm")), 1):
        for part in ("", "-wal", "-shm"):
            Path(f"box.sqlite3.corrupt-{number}{part}").write_text("of anna 123456789" if part in parts else "of bob")
    Path("other").write_text("of anna 123456789")
    Path("box.sqlite3.corrupt-9").symlink_to("other")
    Path("box.sqlite3.corrupt-10").mkdir()
    BOX.write_text("of anna 123456789")
    assert delete_damaged(BOX, is_meant) == 4
    assert {path.name for path in Path().iterdir()} == {
        "box.sqlite3", "other", "box.sqlite3.corrupt-9", "box.sqlite3.corrupt-10",
        *(f"box.sqlite3.corrupt-4{part}" for part in ("", "-wal", "-shm")),
    }  # fmt: skip
    assert delete_damaged(BOX, is_meant) == 0


def test_what_lies_across_the_end_of_a_part_is_found() -> None:
    for number, before in enumerate((0, 1024 * 1024 - 7, 2 * 1024 * 1024 - 13, 3 * 1024 * 1024), 1):
        Path(f"box.sqlite3.corrupt-{number}").write_bytes(b"\xff" * before + b"anna 123456789" + b"\xff" * 9)
    assert delete_damaged(BOX, is_meant) == 4
