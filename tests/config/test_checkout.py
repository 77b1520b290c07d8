"""A checkout is read without git: commit, tags, remote, which files are as committed; what is broken costs nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from statsbot_webhooks.config.checkout import Checkout, find_checkout
from statsbot_webhooks.config.commits import count_commits
from statsbot_webhooks.config.version import Version, find_version

BROKEN = (b"", b"\xff\x00\xfe" * 100, b"ref: refs/heads/../../etc\n", b"DIRC\0\0\0\x04\xff\xff\xff\xff", b"[remote")
SHA = "0123456789abcdef0123456789abcdef01234567"


def git(folder: Path, *words: str) -> str:
    names = {f"GIT_{who}_{what}": "x@y.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", *words], cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "bot"
    (root / "cogs").mkdir(parents=True)
    (root / "bot.py").write_text("print(1)\n")
    (root / "cogs/shop.py").write_text("x = 1\n")
    (root / "shop.py").write_text("other = 1\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "remote", "add", "origin", "https://user:ghp_token@github.com/me/bot.git")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    return root


def checkout_of(path: Path) -> Checkout:
    checkout = find_checkout(path)
    assert checkout is not None
    return checkout


@pytest.mark.parametrize("packed", [False, True])
def test_commit_tags_and_remote(repository: Path, packed: bool) -> None:
    git(repository, "tag", "v1.0")
    git(repository, "tag", "-a", "v1.1", "-m", "annotated")
    git(repository, "tag", "elsewhere")
    (repository / "bot.py").write_text("print(2)\n")
    git(repository, "commit", "-q", "-am", "two")
    git(repository, "tag", "-f", "elsewhere")
    first = git(repository, "rev-parse", "v1.0")
    git(repository, "checkout", "-q", first)
    if packed:
        git(repository, "pack-refs", "--all")
        git(repository, "gc", "-q")
    checkout = checkout_of(repository / "bot.py")
    # Detached now.
    assert checkout.commit() == first
    assert checkout.tags(first) == ["v1.0", "v1.1"]
    assert checkout.remote() == "https://user:ghp_token@github.com/me/bot.git"
    git(repository, "checkout", "-q", "main")
    assert checkout.commit() == git(repository, "rev-parse", "HEAD") != first


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_file_is_unchanged_only_if_the_index_has_its_hash(repository: Path, version: int) -> None:
    if version == 3:
        # An entry with extended flags.
        (repository / "later.py").write_text("y = 1\n")
        git(repository, "add", "-N", "later.py")
    git(repository, "update-index", "--index-version", str(version))
    checkout = checkout_of(repository / "bot.py")
    files = ("bot.py", "cogs/shop.py", "shop.py")
    for name in files:
        assert checkout.blob(repository / name) == git(repository, "rev-parse", f"HEAD:{name}")
        assert checkout.has_unchanged(repository / name)
    (repository / "shop.py").write_text("other = 2\n")
    assert [checkout.has_unchanged(repository / name) for name in files] == [True, True, False]
    (repository / "new.py").write_text("")
    assert not checkout.has_unchanged(repository / "new.py")
    assert not checkout.has_unchanged(repository.parent / "outside.py")
    assert not checkout.has_unchanged(repository / "op.py")


def test_a_linked_worktree_is_the_same_repository(repository: Path) -> None:
    linked = repository.parent / "linked"
    git(repository, "worktree", "add", "-q", "-b", "side", str(linked))
    checkout = checkout_of(linked / "bot.py")
    assert checkout.root == linked
    assert checkout.commit() == git(linked, "rev-parse", "HEAD")
    assert checkout.remote().endswith("me/bot.git")
    assert checkout.has_unchanged(linked / "cogs/shop.py")


def test_a_program_that_is_not_tracked_has_no_checkout(repository: Path) -> None:
    (repository / "another.py").write_text("")
    assert find_checkout(repository / "another.py") is None
    assert find_checkout(repository.parent / "outside.py") is None


@pytest.mark.parametrize("name", ["HEAD", "index", "config", "packed-refs", "commondir"])
@pytest.mark.parametrize(
    "data", [b"", b"\xff\x00\xfe" * 100, b"ref: refs/heads/../../etc\n", b"DIRC\0\0\0\x04\xff\xff\xff\xff", b"[remote"]
)
def test_a_broken_checkout_costs_nothing(repository: Path, name: str, data: bytes) -> None:
    checkout = checkout_of(repository / "bot.py")
    (repository / ".git" / name).write_bytes(data)
    find_checkout(repository / "bot.py")
    for answer in (checkout.commit(), checkout.remote(), checkout.blob(repository / "bot.py")):
        assert isinstance(answer, str)
    assert isinstance(checkout.tags("0" * 40), list)


def test_commits_between_two_versions_are_counted_by_git(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    for number in range(3):
        (repository / "bot.py").write_text(f"print('{number}')\n")
        git(repository, "commit", "-q", "-am", str(number))
    assert count_commits(first, git(repository, "rev-parse", "HEAD"), repository) == 3
    assert count_commits("0" * 40, first, repository) is None
    assert count_commits(first, "--all", repository) is None
    assert count_commits(first, first, repository.parent / "nowhere") is None


@pytest.mark.parametrize(
    ("environ", "name", "commit"),
    [
        ({"HEROKU_RELEASE_VERSION": "v42", "HEROKU_SLUG_COMMIT": "a" * 40}, "v42", ""),
        (
            {"RAILWAY_GIT_COMMIT_SHA": "0123456789ABCDEF0123456789abcdef01234567"},
            "0123456",
            "0123456789abcdef0123456789abcdef01234567",
        ),
        ({"FLY_IMAGE_REF": "registry.fly.io/bot:deployment-01H9RK9EYO9PGNBYAKGXSHV0PH"}, "1H9RK9EYO9PGNBYAKGXSHV0PH"[-24:], ""),
        ({"K_REVISION": "bot-00012-abc"}, "bot-00012-abc", ""),
        ({"GIT_COMMIT": "  "}, "", ""),
        ({"GIT_COMMIT": "\x1b[31m"}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_host_says_the_version(environ: dict[str, str], name: str, commit: str) -> None:
    # The tests themselves run from no checkout: what is started is pytest.
    assert find_version(environ) == Version(name, commit)
