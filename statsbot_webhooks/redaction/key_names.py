"""Key names: which names say that their value is secret (`db_password`, `X-Api-Key`, but not `token_count`). Pure.

A name is certainly secret, or it may be: `key`, `auth`, `pass` and `session` are names of secrets and of much else, so that
their value must look like a secret too.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final

from .late_patterns import late
from .name_words import KEY_WORDS, SECRET_WORDS


class NameKind(IntEnum):
    """What a name says of its value."""

    HARMLESS = 0
    AMBIGUOUS = 1
    SECRET = 2


_KEYWORD: Final = late(
    "|".join(re.escape(word) for word in sorted(SECRET_WORDS, key=len, reverse=True))
    + r"|id[_-]token[_-]hint|pass[ _-]phrase|session[_.-]?key|(?:seed|recovery|secret|backup)[_ .-]?(?:phrase|words)"
    r"|conn(?:ection)?[_ -]?str(?:ing)?"
    r"|(?<![a-z])p(?:swd?|word|wrd)(?![a-z])|(?:wallet|master|hd|bip39)[_-]?seed"
    r"|(?:mot|phrase|palavra|frase)[ _-](?:de[ _-])?passe(?![a-z])"
    r"|phrase secr|kata[ _]sandi"
    r"|(?:api|access|private|account|signing|encryption|master|auth|shared|shared_access|service|deploy|license|client|secret|bot"
    r"|consumer|subscription|functions|webhook|admin|root|hmac|ssh|storage|app|application|crypto|cipher"
    r"|vault)[_. -]?keys?(?![a-z])|key[_-]?material",
)
_ENDING: Final = late(
    r"(?:^|[_.-])(?i:pass|pw|passw|mdp)(?:[_-]?\d)?$|[a-z](?:Pass|P[wW])$"
    # As one word, such as dbpass and bindpw.
    r"|(?i:(?:^|[_.-])(?:db|sql|my|mysql|pg|ftp|mail|smtp|imap|ldap|bind|root|user|admin|login|auth|require|set|change|store|key|trust|master|sudo|vnc"
    r"|ssh|http|proxy|wifi|rabbit|redis|become|srv|sys|web|app|host|net|rad|vpn|zip|pdf|new|old|my)(?:pass|passw|pw)$)"
)
_AMBIGUOUS: Final = late(
    r"(?:^|[^a-z])(?:pass|pw|o?auth|cred|creds|sid|sig|sess|hm|appid|otp|totp|hotp|hmac|seed|pepper)(?![a-z])|[_-]sign$|key(?![a-z])|keys$"
    r"|session|signature|(?:^|[^a-z])(?:code|tickets?|tgt|salt|bearer|[cx]srf|magic[_-]?(?:link|code|url))$"
    r"|community(?:[_-]?string)?$"
    r"|(?:recovery|backup|unlock|auth|device|login|access|door|gate|invite|security|verif\w*|confirm\w*|reset|mfa|factor|pin|zugangs"
    r"|toegangs|oauth)[ _-]?codes?$|verifier$|assertion$|saml[_-]?response$"
    rf"|cl[ée](?![a-z])|{'|'.join(KEY_WORDS)}"
)
_WORD: Final = late(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Words after the keyword in names of things that are not the secret itself.
ABOUT: Final = (
    r"(?:counts?|used|limits?|types?|length|len|size|sizes|expir\w*|in|at|ttl|names?|ur[li]s?|endpoint|files?"
    r"|filename|path|dir|policy"
    r"|reset|field|fields|required|bucket|budget|rate|usage|total|max|min|per|errors?|status|valid|validator"
    r"|validation|invalid|version"
    r"|prefix|index|kind|age|days|left|remaining|ary|ly|less|iz\w+|cutter|jar|manager|provider|store|strategy|rotat\w+|refreshed"
    r"|changed?|created|updated|loaded|missing|found|check|checked|attempts|strength|enabled|disabled|set|audience|issuer|source"
    r"|domain|algorithm|alg|algo|format|scheme|scope|scopes|samesite|secure|hash|hasher|hashers|header|class"
    r"|factory|model|role|group"
    r"|owner|user|username|email|host|port|fd|region|timeout|ttls|lifetime|duration|interval|backend|engine|mode|lookup|prompt|hint"
    r"|encoding|separator|position|pos|start|end|ids?|event|events|handler|board|word|words|stroke|press|pressed|down|up|space"
    r"|frame|point|note|ring|error|exception|callback|dialog|form|page|view|link|button|label|text|input|box"
    r"|title|message|msg)"
)
_ABOUT: Final = late(rf"{ABOUT}\Z", re.I)
_OF_SESSION: Final = frozenset({"s", "id", "ids", "key", "token", "string", "cookie", "hash", "secret", "sid", "data", "value"})
_COUNTED: Final = late(
    r"(?:max|min|num|count|total|has|is|needs|requires|missing|no|use|uses|with|without|show|hide|enable|allow|existing|n)\Z",
    re.I,
)
# Names of other things that only contain such a word.
_OTHERS: Final = late(
    r"(?i:foreign|primary|partition|sort|cache|dedup\w*|idempotency|message|group|object|lookup|public|hot"
    r"|key_?board|monkey|donkey"
    r"|turkey|hockey|jockey|whiskey|keynote|author|authentic\w*|compass|bypass|pass(?:ed|es|ing|age|ive|enger"
    r"|ion|port|thru|through)"
    r"|secretar\w*|tokeniz\w*)"
)


@lru_cache(maxsize=4096)
def name_kind(name: str) -> NameKind:
    """Return what a name says of its value."""
    lower = name.lower()
    found = list(_KEYWORD.finditer(lower))
    if not found:
        return _weak_kind(name, lower)
    first, last = found[0], found[-1]
    is_tokenizer = last[0] == "token" and lower.startswith(("iz", "is"), last.end())
    if is_tokenizer or lower.startswith(("secretar", "sekretar", "sekretär"), first.start()):
        return NameKind.HARMLESS
    after, before = name[last.end() :], _WORD.findall(name[: first.start()])
    words = _WORD.findall(after)
    if last[0] == "token" and [word.lower() for word in words[:1]] == ["id"]:
        # The id of a token is not the token.
        return NameKind.HARMLESS
    if [word.lower() for word in words] in (["hash"], ["id"]) and last[0] != "token":
        # A hash of a password, and the secret of an AppRole of Vault.
        return NameKind.AMBIGUOUS
    if [word.lower() for word in words] in (["input"], ["field"]):
        # A field of a form.
        return NameKind.SECRET if "pass" in last[0] else NameKind.AMBIGUOUS
    if any(map(_ABOUT.match, words)):
        return NameKind.HARMLESS
    if before and _COUNTED.match(before[0]):
        # `enable_secret` may be either.
        return NameKind.AMBIGUOUS
    # `tokens` is more often a count than a list.
    return NameKind.AMBIGUOUS if last[0] == "token" and after[:1] in ("s", "S") else NameKind.SECRET


def _weak_kind(name: str, lower: str) -> NameKind:
    if _ENDING.search(name) and lower not in ("pass", "pw"):
        return NameKind.SECRET if not _OTHERS.match(lower) else NameKind.HARMLESS
    found = list(_AMBIGUOUS.finditer(lower))
    if not found or _OTHERS.match(lower):
        return NameKind.HARMLESS
    words, before = _WORD.findall(name[found[-1].end() :]), _WORD.findall(name[: found[0].start()])
    if (before and _COUNTED.match(before[0])) or any(word.lower() != "id" and _ABOUT.match(word) for word in words):
        return NameKind.HARMLESS
    if "session" in lower and any(word.lower() not in _OF_SESSION for word in _WORD.findall(name[lower.rindex("session") + 7 :])):
        return NameKind.HARMLESS
    # The id of a session gives access to it; the id of a key does not.
    return NameKind.HARMLESS if [word.lower() for word in words[:1]] == ["id"] and "sess" not in lower else NameKind.AMBIGUOUS


def rule_of(name: str) -> str:
    """Return the name of the rule for a secret name, which the redacted text shows."""
    lower = name.lower()
    for word in ("cookie", "authorization", "token", "secret", "key", "session", "credential", "signature"):
        if word in lower:
            return "authorization header" if word == "authorization" else word
    return "password" if re.search("pass|pw|kennwort|wachtwoord|senha", lower) else "named value"


_LETTER_DIGIT: Final = late(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_CASES: Final = late("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])")
_GROUPS: Final = late(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+){1,4}")
_PART: Final = late(r"[A-Za-z0-9+/=]{8,}")
_DATE: Final = late(r"(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[T_ -]?\d{2}:?\d{2}(?::?\d{2})?)?|v?\d+(?:\.\d+)+")
# Addresses in memory, `Class@325`, hosts with a port, mail addresses, versions of packages.
_READABLE: Final = late(
    r"<?0x[0-9a-fA-F]{1,16}>?|[A-Za-z_][\w.$/:-]*@[0-9a-f]{1,10}|[\w.-]+(?:\.[a-z]{2,6}"
    r"|localhost)(?::\d{1,5})?|[\w.+-]+(?:@|%40)[\w.-]+\.[a-z]{2,12}"
    r"|[\w-]+==?\d[\w.]*|#?[0-9a-f]{8}|\$\w{1,8}\$\d\d\$\w{0,12}|[a-z][a-z_-]{1,20}\(.*"
)
# A longer value is judged by its beginning.
_LONGEST_KEY: Final = 400
_ODD: Final = late(r"[!#$%^&*@?~+=]")


def looks_random(value: str, shortest: int = 8) -> bool:
    """Return whether a value looks like a generated key, not like a word, a path, a number or a date."""
    value = max(value[:_LONGEST_KEY].rstrip("=").split("="), key=len)
    if len(value) < shortest or "://" in value or _READABLE.fullmatch(value):
        return False
    if not any(map(str.isdigit, value)):
        return len(value) >= 16 and value.isalpha() and len(_CASES.findall(value)) * 5 >= len(value) * 2
    if not any(map(str.isalpha, value)):
        return False
    odd = len(_ODD.findall(value))
    if odd and odd <= len(value) // 2 and " " not in value and value[0] not in "/.~" and not _DATE.match(value):
        return True
    plain = _DATE.sub("", value)
    return any(map(_changes_often, _PART.findall(plain))) or _is_generated(plain)


def _is_generated(value: str) -> bool:
    """Whether groups of letters and digits look like a generated password: capitals, small letters and digits alternate."""
    if not 10 <= len(value) <= 64 or not _GROUPS.fullmatch(value):
        return False
    joined = value.replace("-", "").replace("_", "")
    return len(_LETTER_DIGIT.findall(joined)) >= 4 and len(_CASES.findall(joined)) >= 2


def _changes_often(part: str) -> bool:
    """Whether letters, digits, capitals and small letters alternate more often than in words followed by a number."""
    changes, cases = len(_LETTER_DIGIT.findall(part)), len(_CASES.findall(part))
    return changes >= 3 or (changes == 2 and (cases >= 2 or len(part) >= 12)) or (changes == 1 and cases >= 4)
