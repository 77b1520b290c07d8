"""Which names say that their value is secret: `db_password`, `X-Api-Key`; not `token_count`. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# One part of a name that makes the whole a secret's. RE2 syntax, so that the gate can look for it in any text.
KEYWORDS: Final = (
    r"pass(?:words?|wd|phrase|code|wort)|pwd|kennwort|secret|authorization|credential|cookie|token|jwt|sessid|session[_-]?key"
    r"|(?:api|access|private|account|signing|encryption|master|auth|shared|shared_access|service|deploy|license)[_.-]?key"
)
_KEYWORD: Final = re.compile(KEYWORDS, re.I)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# What may follow the keyword in the name of something that is not the secret itself.
_ABOUT: Final = re.compile(
    r"(?:counts?|used|limits?|types?|length|len|size|expir\w*|in|at|ttl|names?|ur[li]s?|endpoint|files?|path|dir|policy|reset|field"
    r"|required|bucket|budget|rate|usage|total|max|min|per|errors?|status|valid|invalid|version|prefix|index|kind|age|days|left"
    r"|remaining|ary|ly|less|iz\w+|cutter|jar|manager|provider|store|strategy|rotat\w+|refreshed|changed|created|updated|loaded"
    r"|missing|found|check|checked|attempts|strength|enabled|disabled|set)\Z",
    re.I,
)
_COUNTED: Final = re.compile(r"(?:max|min|num|count|total|has|is|needs|requires|missing)\Z", re.I)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether what a name stands for should not be shown."""
    found = list(_KEYWORD.finditer(name))
    if not found:
        return False
    after, before = name[found[-1].end() :], _WORD.findall(name[: found[-1].start()])
    words = _WORD.findall(after)
    if found[-1][0].lower() == "token" and (after[:1] in ("s", "S") or [word.lower() for word in words[:1]] == ["id"]):
        # Tokens are counted more often than listed, and the id of a token is not the token.
        return False
    return not (before and _COUNTED.match(before[0])) and not any(map(_ABOUT.match, words))
