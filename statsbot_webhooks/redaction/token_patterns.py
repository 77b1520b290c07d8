"""Secrets by shape: keys of the large providers, tokens, private keys, URLs with passwords, cards. Pure; linear time.

A rule has an anchor, which is short and which RE2 looks for in one pass over the text, and a pattern that says at the
anchor's place whether it is a secret and how far it goes. Anchors have no open end, and patterns fail after a bounded number of
characters: only so is the whole linear. Prefixes and lengths are those of the providers' documentation, checked against
the rules of gitleaks 8 (github.com/gitleaks/gitleaks, config/gitleaks.toml).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import re2


@dataclass(frozen=True, slots=True)
class Shape:
    """`label` is shown instead; `anchor` is for RE2, `pattern` for Python, where the anchor begins. Both match bytes."""

    label: str
    anchor: str
    pattern: str
    begins: str
    """The class of characters with which the anchor may begin."""


_W: Final = r"[A-Za-z0-9_-]"
_A: Final = r"[A-Za-z0-9]"
_START: Final = r"(?<![A-Za-z0-9])"
_SLASH: Final = r"(?:\\?/|%2[Ff])"


def _key(label: str, prefix: str, tail: str) -> Shape:
    """Return the rule of a key that begins with a prefix of its own."""
    first = prefix[: prefix.index("]") + 1] if prefix.startswith("[") else f"[{''.join(part[0] for part in prefix.split('|'))}]"
    return Shape(label, prefix, f"{_START}(?:{prefix}){tail}", first)


# https://discord.com/developers/docs/resources/webhook#execute-webhook: the id and the token are the address. Slashes may be
# escaped, as JSON and URL writers do; discord.py and aiohttp log the path alone.
_WEBHOOK: Final = Shape(
    "webhook URL",
    r"(?i:webhooks|interactions)(?:\\?/|%2[Ff])\d",
    rf"(?i:webhooks|interactions){_SLASH}\d{{1,25}}{_SLASH}[\w-]{{1,}}+",
    "[WwIi]",
)

SHAPES: Final = (
    _WEBHOOK,
    Shape("webhook URL", r"hooks\.slack\.com", rf"hooks\.slack\.com{_SLASH}[\w/\\%-]{{10,}}+", "h"),
    # Base64 of the id, a time stamp, an HMAC (discord.com/developers/docs/reference#authentication); the first part is before.
    Shape("token", r"\.[\w-]{5,8}\.[\w-]{20}", rf"(?<={_W})\.{_W}{{5,8}}\.{_W}{{25,}}+", r"\."),
    _key("token", r"mfa\.", rf"{_W}{{20,}}+"),
    _key("JWT", "eyJ", rf"{_W}{{8,}}+={{0,2}}(?:\.{_W}{{4,}}+={{0,2}}){{1,4}}|{_START}eyJ{_W}{{40,}}+"),
    _key("AWS key", r"AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9]", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _key("AWS key", r"ABSK", r"[A-Za-z0-9+/]{80,}+={0,2}"),
    _key("Google key", "AIza", rf"{_W}{{35,}}+"),
    _key("Google key", "GOCSPX-", rf"{_W}{{20,}}+"),
    _key("Google key", r"ya29\.", rf"{_W}{{20,}}+"),
    _key("Google key", r"1//0", rf"{_W}{{30,}}+"),
    Shape("Azure key", r"\dQ~", r"\dQ~[\w~.-]{31,}+", r"\d"),
    _key("GitHub token", r"gh[pousr]_", rf"{_A}{{20,}}+"),
    _key("GitHub token", "github_pat_", r"\w{20,}+"),
    _key("GitLab token", r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct)-", r"[\w.-]{16,}+"),
    _key("Slack token", r"xox[abceoprs]-", rf"{_W}{{10,}}+"),
    _key("Slack token", r"xapp-", rf"{_W}{{20,}}+"),
    _key("Stripe key", r"[srp]k_(?:live|test|prod)_", rf"{_A}{{10,}}+"),
    _key("Stripe key", "whsec_", r"[A-Za-z0-9+/=]{16,}+"),
    # OpenAI, Anthropic (sk-ant-) and others that took over the prefix. Words are told by their lack of digits.
    _key("API key", "sk-", rf"(?={_W}{{0,40}}\d){_W}{{20,}}+"),
    Shape("Telegram token", r"\d:A[\w-]{20}", rf"\d:A{_W}{{33,}}+", r"\d"),
    _key("Twilio key", "SK[0-9a-f]{8}", r"[0-9a-f]{24}(?![A-Za-z0-9])"),
    _key("SendGrid key", r"SG\.", rf"{_W}{{16,}}+\.{_W}{{16,}}+"),
    _key("npm token", "npm_", rf"{_A}{{30,}}+"),
    _key("PyPI token", "pypi-", rf"{_W}{{50,}}+"),
    _key("RubyGems key", "rubygems_", r"[a-f0-9]{40,}+"),
    _key("Mailgun key", "key-[0-9a-f]{8}", r"[0-9a-f]{24}(?![A-Za-z0-9])"),
    Shape("Mailchimp key", r"[0-9a-f]-us\d", r"[0-9a-f]-us\d{1,2}(?!\w)", "[0-9a-f]"),
    _key("DigitalOcean token", r"do[opr]_v1_", r"[a-f0-9]{40,}+"),
    _key("Hugging Face token", "hf_|api_org_", r"[A-Za-z]{30,}+"),
    _key("Shopify token", r"shp(?:at|ca|pa|ss)_", r"[a-fA-F0-9]{24,}+"),
    _key("Square token", r"sq0(?:atp|csp|idp)-", rf"{_W}{{20,}}+"),
    _key("Facebook token", "EAA", rf"(?=\w{{0,40}}\d){_A}{{80,}}+"),
    _key("Databricks token", "dapi[0-9a-f]{8}", r"[0-9a-f]{24,}+"),
    _key("Vault token", r"hv[sbr]\.", rf"{_W}{{20,}}+"),
    _key("Doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", r"[\w.-]{20,}+"),
    _key("Grafana token", "glsa_|glc_", r"[\w+/=]{20,}+"),
    _key("New Relic key", r"NRAK-|NRJS-|NRII-", rf"{_W}{{16,}}+"),
    _key("Postman key", "PMAK-", rf"{_W}{{20,}}+"),
    _key("Atlassian token", "ATATT3", r"[\w=-]{40,}+"),
    _key("Airtable token", r"pat\w{14}\.[0-9a-f]{8}", r"[0-9a-f]{40,}+"),
    _key("Linear key", "lin_api_|lin_oauth_", rf"{_A}{{20,}}+"),
    _key("Notion token", "ntn_", rf"{_A}{{30,}}+"),
    _key("Sentry token", "sntry[su]_", r"[\w+/=.-]{20,}+"),
    _key("Supabase key", "sb_secret_|sbp_", rf"{_W}{{16,}}+"),
    _key("PlanetScale token", r"pscale_(?:tkn|pw|oauth)_", r"[\w.=-]{20,}+"),
    _key("API key", "gsk_|r8_|pplx-|xai-|fo1_|fm2_|PMAK-|dop_|lsv2_", rf"(?={_W}{{0,40}}\d){_W}{{30,}}+"),
    _key("Heroku key", "HRKU-", rf"{_W}{{20,}}+"),
    _key("Dropbox token", r"sl\.[\w-]{8}", rf"{_W}{{80,}}+"),
    _key("age key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}+"),
    _key("1Password token", "ops_eyJ", r"[\w+/=-]{40,}+"),
    Shape(
        "signature",
        r"[?&](?i:sig|x-amz-signature|x-goog-signature)=",
        r"[?&](?i:sig|x-amz-signature|x-goog-signature)=[\w%+/=-]{16,}+",
        "[?&]",
    ),
    Shape(
        "card number",
        r"\b(?:[456]\d{3}|2[2-7]\d\d|35\d\d)[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b"
        r"|\b3[47]\d\d[ -]?\d{6}[ -]?\d{5}\b|\b3[0689]\d\d[ -]?\d{6}[ -]?\d{4}\b",
        r"\d[\d -]{12,18}\d",
        r"\d",
    ),
)


def passes_luhn(digits: str) -> bool:
    """Return whether a number carries the check digit of a card (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def compile_scan(patterns: list[bytes]) -> re2._Regexp[bytes]:
    """Return one RE2 of alternatives on bytes; its time is linear, whatever the text."""
    options = re2.Options()
    # Byte for byte: the anchors are ASCII, and UTF-8 has no ASCII byte within a character.
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(b"|".join(patterns), options)


def compile_user_pattern(pattern: str) -> re2._Regexp[str]:
    """Return a pattern of the user's, in RE2 syntax; raises `ValueError` that names the fault and not the pattern."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        # Behind the colon is a part of the pattern, which may be the secret itself.
        fault = (error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)).partition(":")[0]
        raise ValueError(f"{fault} (it must be RE2 syntax: no look-around, no backreferences)") from None
    if compiled.search("") is not None:
        raise ValueError("it matches the empty text, so it would redact everything")
    return compiled
