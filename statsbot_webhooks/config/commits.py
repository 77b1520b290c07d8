"""How many commits lie between two versions: the one question that git itself is asked, where it is there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from .checkout import program_checkout

_SECONDS: Final = 2.0
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}\Z")
# A repository may name programs that git would run: none of them is needed to count.
_SAFE: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks", "--no-replace-objects")


def count_commits(before: str, after: str, root: Path | None = None) -> int | None:
    """Return how many commits the second has that the first has not; None when git is not there or takes longer than 2 s."""
    if root is None:
        checkout = program_checkout()
        root = checkout.root if checkout is not None else None
    if root is None or not _COMMIT.match(before) or not _COMMIT.match(after):
        return None
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", *_SAFE, "rev-list", "--count", f"{before}..{after}", "--"],
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    text = answer.stdout.strip()
    return int(text) if answer.returncode == 0 and text.isdigit() else None
