"""What stands for a secret, for tests that do not ask which rule found it."""

from __future__ import annotations

import re


def nameless(text: str) -> str:
    """Return a text in which each mark is `[redacted]`, of any rule."""
    return re.sub(r"\[redacted: [^\]\n]{1,40}\]", "[redacted]", text)
