"""Statements: secrets known by their place in SQL, netrc, PowerShell, data sources, and texts about one-time codes. Pure.

Secrets with a name directly before them are in `labelled_secrets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from .key_names import NameKind, looks_random, name_kind
from .late_patterns import late
from .placeholders import OPEN
from .secret_strings import PROSAIC, is_mixed
from .signs import Found, SignRule, Signs, rule_near

_STRING: Final = r"(?:'(?>[^'\\\n]|\\.|''){1,300}'|\"(?>[^\"\\\n]|\\.|\"\"){1,300}\")"
_NETRC: Final = late(
    rb"(?:machine\s{1,4}[^\s]{1,200}|default)(?:\s{1,4}(?:login|account)\s{1,4}[^\s]{1,80}){0,2}\s{1,4}password\s{1,4}(?P<value>(?!\[redacted)[^\s]{1,300})"
)
_SQL_PASSWORD: Final = late(
    rf"(?i:identified\s(?:by|with\s\w{{1,40}}\s(?:by|as))|password\sfor\s(?!user)[^\s=]{{1,80}})[\s=]{{1,4}}(?i:password\()?N?(?P<value>{_STRING})"
    r"|(?i:identified\sby\s)(?P<bare>(?=\w{0,40}\d)[\w$#-]{6,80})|(?i:acl\ssetuser\s\S{1,80}|\buser\sdefault)\s[^\n]{0,80}?>(?P<acl>\S{1,200})"
    rf"|(?i:\bcrypt\(|pgp_sym_(?:en|de)crypt\([^,\n]{{1,200}},)\s?(?P<key>{_STRING})".encode()
)
# A candidate, and the text that must come before it; a text without candidates is read quickly.
_SET_PASSWORD: Final = late(rf"(?i:\bpassword)[\s=]{{1,4}}(?i:password\()?N?(?P<value>{_STRING})".encode())
_SETTING: Final = late(rb"(?i:user|role|login|options|alter|create)\b[^\n;]{1,120}\Z")
# A user and a password as arguments of a call; and secrets that a build log masks.
_ARGUMENTS: Final = late(
    rf"(?i:auth|\.login|pscredential(?:\]::new)?|changeuserpassword|credentials?)[\"']?(?:\s?[=:]\s?)?"
    rf"[(\[]\s?[bur]?[\"'][^\"'\n]{{0,80}}[\"'],\s?(?P<value>[bur]?{_STRING})".encode()
)
# An argument of a call that is a key, of any form.
_KEYED: Final = late(
    rf"(?:jwt\.(?:en|de)code\([^,\n]{{1,80}},|hmac\.(?:new|digest)\(|Fernet\(|(?:set|check|verify|hash|generate|make|encrypt)_password(?:_hash)?\((?:[^,\n]{{1,80}},){{0,2}}|AES\.new\("
    rf"|(?:->__construct|mysqli?_connect|new (?:PDO|mysqli)|getConnection)\((?:{_STRING},\s?){{2}}|Serializer\("
    rf"|bcrypt\.\w{{1,10}}w\()\s?(?P<value>b?{_STRING})".encode()
)
# The answer to an SMTP server, which asks with the base64 of "Username:" and "Password:".
_SMTP: Final = late(
    rb"(?:VXNlcm5hbWU6|UGFzc3dvcmQ6)(?:\\[rn]|[\s'\"])+(?:reply: [^\n]{1,60}\n)?(?:\w{1,8}:\s?)?(?:[->]{1,4}\s?)?b?['\"]?"
    rb"(?P<value>[A-Za-z0-9+/]{4,200}={0,2})(?![\w:])"
)
_SECURE_COPY: Final = late(rb"\b(?:scp|sftp|rsync|ssh)\s[^\n|@:]{0,80}?\b[\w.-]{1,40}:(?P<value>[^\s@/:]{4,80})@[\w.-]{2,}")
_PASSKEY: Final = late(rb"/(?P<random>[\w-]{20,64})/announce\b")
_CALENDAR: Final = late(rb"/private-(?P<random>\w{20,64})/")
_IPSEC: Final = late(rb":\s(?:EAP|XAUTH|PSK)\s(?P<value>\"[^\"\n]{1,200}\")")
_AT_HOST: Final = late(rb"(?<![\w.+:/-])[\w.+-]{1,40}(?:/[\w.-]{1,40})?:(?P<login>[^\s@/:\"']{6,80})@\d{1,3}(?:\.\d{1,3}){3}\b")
_WIFI: Final = late(rb"WIFI:[^\n]{0,80}?\bP:(?P<value>[^;\n]{1,80})")
_PROXY: Final = late(rb"\b(?:sips?:[\w.+-]{1,40}:(?P<value>[^\s@/:]{4,80})@[\w.-]{2}|ss://(?P<base64>[\w+/=-]{16,300}))")
# "user@host.org:password" of a list of accounts.
_ACCOUNT: Final = late(rb"@[\w-]{1,60}(?:\.[\w-]{1,20}){0,3}\.[a-z]{2,10}:(?P<login>[^\s:/@,;|\"'()<>]{6,60})(?![/:@])")
# "I used … as password", and what a script of `expect` sends.
_USED: Final = late(
    rb"(?<!\S)[\"'`]?(?P<login>[^\s\"'`]{6,60})[\"'`]?\s(?:as\s(?:my |the |a )?|but\s(?:my |the ))(?:new |root "
    rb"|admin )?(?i:pass|token|secret)"
)
_SENT: Final = late(rb"\bsend(?:\s--)?\s\"(?P<login>[^\"\\\n]{6,60})\\[rn]\"")
# The user and the password of a login: "login with admin / …", "creds admin:…".
_LOGIN: Final = late(
    # The first class of characters rejects most texts at once.
    rb"[aAcCdDlLsS/!.?](?:(?:(?<=[cC])(?i:red(?:s|entials?))|(?<=[sS])(?i:uperuser)|(?<=[lL])(?i:og(?:[ -]?|ged )in(?= with"
    rb"| as|:\s[\w.+-]{1,40}@)))"
    rb"(?: with| as| is| are)?:?\s[\"'`]?[A-Za-z][\w.@-]{1,40}(?:\s/\s|:)(?P<login>[^\s/,;:\"'`]{6,80})"
    rb"|(?<=[LA])(?:OGIN|UTH)\s(?!from|fail|err|for|by|to|in|on|cmd|comm|att|mech|data|login|plain|user)[a-z][\w.@-]{1,40}"
    rb"\s(?P<command>[^\s/,;:\"'()\[\]]{6,80})(?![\[(:])"
    rb"|(?<=[/!.?])(?<!\w.)(?:login|register|auth|identify)\s[\w.@-]{1,40}\s(?P<typed>\S{6,80}(?:[ ]\S{6,80})?)"
    rb"|(?<=[ad])(?:uth|igest)\s(?!user|name|login|id|host|service|type)[\w.@-]{1,40}:(?P<pair>[^\s/,;:\"']{8,80})"
    rb"|(?<=[aAlL])(?<!\w.)(?i:uth[a-z ]{0,10}:?\s[\w.@-]{1,40}/|(?:uth|ogin)\s(?!from|fail|for)[\w.@-]{1,40}\s)"
    rb"(?P<random>[\w+/=.~!#$%^&*-]{16,80})(?![\w\[(:]))"
)
_LETTERS: Final = late(rb"\b[uU]:\s?\S{1,40}[\s,/|]{1,3}[pP]:\s?(?P<login>\S{6,80})")
_LOCATED: Final = late(
    rf"[\"']loc[\"']:\s?[\[(][^\])\n]{{0,200}}?[\"'](?P<name>[\w.-]{{1,60}})[\"'],?[\])],[^\n]{{0,400}}?[\"']input[\"']:\s?(?P<value>{_STRING})".encode()
)
_BUILD: Final = late(rb"(?:::add-mask::|;issecret=true\])(?P<value>[^\s\"']{1,300})")
_NETLOC: Final = late(rb"netloc=['\"][^:'\"@\n]{0,100}:(?P<value>[^'\"\n]{1,200})@")
# host:port:database:user:password of PostgreSQL, a line or a word.
_PGPASS: Final = late(
    rb":(?:[56]43\d:(?<=[\w*]:\d{4}:)|\*:(?<=[\w*]:\*:))[\w*.-]{1,60}:[\w*.-]{1,60}:(?P<value>(?!\*(?:\s|\Z))[^\s:'\"]{1,200})(?=[\s'\"]|\Z)"
)
_LINK: Final = late(
    rb"/(?i:reset|magic(?:-?link)?|activat\w{1,3}|confirm\w*|verif\w{1,8}|unsubscribe|recover\w*|hooks?|sso|invite|login)[\w-]{0,20}/(?:[\w-]{1,12}/)?(?P<random>[\w.~-]{16,200})"
)
_JWK: Final = late(rb"\"(?:d|p|q|dp|dq|qi|k)\\{0,3}\"\s?:\s?\\{0,3}\"(?P<value>[\w+/=-]{16,2000})")
# The values of a Kubernetes Secret under any names; its kind stands before or after them.
_SECRET_KIND: Final = late(rb"kind\\{0,8}[\"']?:\s{0,3}\\{0,8}[\"']?secret(?![\w-])")
_SECRET_DATA: Final = late(
    rb"(?:\n|\\n|\A)(?P<indent>[ ]{0,20}+)(?:stringD|d)ata:[ ]*+(?>(?:\n|\\n)(?P=indent)[ ]++(?>[^\n\\]|\\(?!n))*){1,200}"
    rb"|(?:stringD|(?<![A-Za-z])d)ata\\{0,8}\"\s{0,3}:\s{0,3}\{[^{}]{1,8000}+\}"
)
_PAIR: Final = late(
    rb"[\w.-]{1,80}\\{0,8}[\"']?:\s{0,3}"
    rb"(?P<value>\\{0,8}\"[^\"\n]{1,4000}+\"|'[^'\n]{1,4000}+'|[|>][\s\S]++|[^\s\"'{}|>\\]{1,4000}+)"
)
# A validator's message about the field on the line before; and a database's about an existing row.
_FIELD: Final = late(
    rb"(?:^|\n)(?P<name>[\w.]{1,80})\r?\n  [^\n]{1,200}?input_value=(?P<value>'[^'\n]{0,300}'|\"[^\"\n]{0,300}\"|[^,\]\n]{1,300})"
    rb"|Duplicate entry (?P<entry>'[^'\n]{1,300}') for key '(?P<column>[\w.]{1,80})'"
)
_SECURE_STRING: Final = late(rf"(?i:securestring)\s{{1,3}}(?:-\w{{1,12}}\s{{1,3}})?(?P<value>{_STRING})".encode())
_DATA_SOURCE: Final = late(rb"(?:sqlplus\s(?:-\w\s){0,3}|thin:|dsn=)[\w$#]{1,40}/(?P<value>[^\s/@\"']{1,100})@")
_SOCKET: Final = late(rb":(?<=[\w.-]:)(?P<tcp>[^\s/@:]{1,100})@(?:(?:tcp|unix)\(|/\w)")
_CODE: Final = late(
    rb"code(?<=[a-z0-9 _-]code)s?(?:['\"]?\s{0,2}[:=]\s{0,2}|\s(?:is|are):?\s|\s)['\"]?"
    rb"(?P<value>\d{4,8}(?![\d.])"
    rb"|(?=[a-z-]{0,20}\d)[a-z0-9]{4,5}(?:-[a-z0-9]{4,12}){1,4}(?:[ ,\r\n]{1,2}[a-z0-9]{4,5}-[a-z0-9-]{4,20})*)"
)
_OF_CODE: Final = late(
    rb"(?:one[- ]time|verification|security|log-?in|sign-?in|2fa|mfa|otp|confirmation|authentication|recovery|backup|sms)[ _-]?\Z"
)
_INSERT: Final = late(rb"\((?P<names>[\w\s,\"`.\[\]]{1,2000}+)\)(?:\s{0,4}(?:OUTPUT [^\n(]{1,80})?(?i:values)\s{0,4}|=)\(")
# A name before each of a statement's placeholders.
_ASKED: Final = late(rb"(?:(?P<name>[\w.\"`\[\]]{1,80})\s{0,3}(?:=|<>|(?i:like|in))\s{0,3}\(?)?(?:\?|%s|[$:]\d{1,3}\b)")
# The parameters of a statement, as SQLAlchemy and others show them.
_PARAMETERS: Final = late(rb"(?i:param(?:eter)?s|args|values)[\"']?[:=]\s{0,3}[\[(]{1,2}")
_ITEM: Final = late(
    rb"\s*+(?P<item>(?:[bBrRuUnNeE]{0,2})(?:'(?>[^'\\\n]|\\.|'')*+'|\"(?>[^\"\\\n]|\\.)*+\")|[^,()'\"\n]{0,200}+(?:\([^()\n]{0,100}\))?)\s*+(?P<end>[,)\]])"
)
_PLACEHOLDER: Final = late(rb"\?|%s|%\(\w{1,40}\)s|[$:]\w{1,40}|@\w{1,40}|(?i:null|default|true|false)|")
_MOST_COLUMNS: Final = 60
_FURTHEST: Final = 2000
_NEAREST: Final = 140


def _web_keys(data: bytes, _: Signs) -> Iterator[Found]:
    return _values(_JWK.finditer(data))


def _set_passwords(data: bytes, signs: Signs) -> Iterator[Found]:
    if b"machine" in data or b"default" in data:
        yield from _values(signs.matches(_NETRC, data, ("machine", "default")))
    yield from _values(filter(_is_setting, signs.matches(_SET_PASSWORD, data, ("password",))))


def _is_setting(match: re.Match[bytes]) -> bool:
    return _SETTING.search(match.string, max(0, match.start() - _NEAREST), match.start()) is not None


def _values(matches: Iterable[re.Match[bytes]]) -> Iterator[Found]:
    for match in matches:
        group = match.lastgroup or ""
        if OPEN.fullmatch(match[group].strip(b"\"'")):
            continue
        if group != "random" or looks_random(match[group].decode("utf-8", "replace"), 16):
            yield Found(*match.span(group), "password")


def _logins(matches: Iterable[re.Match[bytes]]) -> Iterator[Found]:
    """Yield what looks like a password behind the name of a user."""
    for match in matches:
        group = match.lastgroup or ""
        text = match[group].decode("utf-8", "replace")
        if looks_random(text, 16) if group == "random" else is_mixed(text) and not PROSAIC.fullmatch(match[group]):
            yield Found(*match.span(group), "password")


def _of_kubernetes(data: bytes, signs: Signs) -> Iterator[Found]:
    if b"kind" not in signs.lower or _SECRET_KIND.search(signs.lower) is None:
        return
    for block in _SECRET_DATA.finditer(data):
        for pair in _PAIR.finditer(data, data.index(b":", block.start()) + 1, block.end()):
            yield Found(*pair.span("value"), "kubernetes secret")


_LOC_SIGNS: Final = ("'loc'", '"loc"')


def _of_fields(data: bytes, signs: Signs) -> Iterator[Found]:
    """Yield the values of fields with a secret's name in messages of a validator or a database."""
    fields = (_FIELD.match(data, _line_before(data, at)) for at in signs.positions(("input_value=", "duplicate entry")))
    for match in chain(filter(None, fields), signs.matches(_LOCATED, data, _LOC_SIGNS)):
        name, group = (match["name"], "value") if match["name"] is not None else (match["column"], "entry")
        if name_kind(name.decode().rpartition(".")[2]) is not NameKind.HARMLESS:
            yield Found(*match.span(group), "password")


def _line_before(data: bytes, at: int) -> int:
    """Return the position of the line end before the line before a position, or the position itself for a database's message."""
    if data[at : at + 1] == b"D":
        return at
    line = data.rfind(b"\n", max(0, at - _FURTHEST), at)
    return max(data.rfind(b"\n", max(0, line - _NEAREST), max(line, 0)), 0)


def _asked(data: bytes, signs: Signs) -> Iterator[Found]:
    """Yield the parameters of a statement whose placeholders follow secret names."""
    for match in signs.matches(_PARAMETERS, data, ("parameters", "params", "args", "values")):
        begin = max(0, data.rfind(b"[SQL", 0, match.start()), match.start() - _FURTHEST)
        wanted = _secret_columns(asked["name"] or b"" for asked in _ASKED.finditer(data, begin, match.start()))
        yield from _listed(data, match.end(), wanted)


def _codes(data: bytes, signs: Signs) -> Iterator[Found]:
    lower = data.lower()
    for match in signs.matches(_CODE, lower, ("code",)):
        if _OF_CODE.search(lower[max(0, match.start() - 20) : match.start()]) is not None:
            yield Found(*match.span("value"), "one-time code")


def _inserted(data: bytes, signs: Signs) -> Iterator[Found]:
    """Yield the values of the columns of an INSERT with secret names, in the statement or in its parameters."""
    for at in signs.positions(("values", ")=(")):
        close = data.rfind(b")", max(0, at - _NEAREST), at + 1)
        match = _INSERT.match(data, max(data.rfind(b"(", max(0, close - _FURTHEST), close), 0)) if close > 0 else None
        wanted = _secret_columns(match["names"].split(b",")) if match is not None else ()
        if match is None or not wanted:
            continue
        yield from _listed(data, match.end(), wanted)
        parameters = _PARAMETERS.search(data, match.end(), match.end() + _FURTHEST)
        if parameters is not None:
            yield from _listed(data, parameters.end(), wanted)


def _secret_columns(names: Iterable[bytes]) -> set[int]:
    """Return the numbers of the columns with secret names, counted from 0."""
    bare = (name.strip(b' \t\n"`[]').rpartition(b".")[2].decode("utf-8", "replace") for name in names)
    return {number for number, name in enumerate(islice(bare, _MOST_COLUMNS)) if name_kind(name) is NameKind.SECRET}


def _listed(data: bytes, at: int, wanted: set[int]) -> Iterator[Found]:
    """Yield the items with the numbers `wanted` of the list that begins at `at`."""
    for number in range(max(wanted, default=-1) + 1):
        item = _ITEM.match(data, at)
        if item is None:
            return
        if number in wanted and not _PLACEHOLDER.fullmatch(item["item"].strip()):
            yield Found(*item.span("item"), "password")
        if item["end"] != b",":
            return
        at = item.end()


_LINK_SIGNS: Final = (
    *("/reset", "/magic", "/activat", "/confirm", "/verif", "/unsub", "/recover", "/hook", "/sso", "/invit", "/login"),
)
_CALL_SIGNS: Final = (
    "jwt.",
    "hmac.",
    "fernet(",
    "_password(",
    "_password_hash(",
    "aes.new(",
    "serializer(",
    "bcrypt.",
    "->__construct(",
    "_connect(",
    "new pdo(",
    "new mysqli(",
    "getconnection(",
)
# Patterns, the words of which each find has one, and how many bytes before the word it may begin.
_AT_SIGNS: Final = (
    (_SQL_PASSWORD, ("identified ", "password for", "acl setuser", "user default", "crypt(", "pgp_sym_"), 0),
    (_SECURE_STRING, ("securestring",), 0),
    (_DATA_SOURCE, ("sqlplus", "thin:", "dsn="), 0),
    (_SOCKET, ("@tcp(", "@unix(", "@/"), 101),
    (_ARGUMENTS, ("auth", "credential", "changeuserpassword", ".login"), 2),
    (_BUILD, ("::add-mask::", ";issecret=true"), 0),
    (_NETLOC, ("netloc=",), 0),
    (_PGPASS, (":543", ":643", ":*:"), 0),
    (_LINK, _LINK_SIGNS, 0),
    (_KEYED, _CALL_SIGNS, 8),
    (_SMTP, ("vxnlcm5hbwu6", "ugfzc3dvcmq6"), 0),
    (_SECURE_COPY, ("scp ", "sftp ", "rsync ", "ssh "), 0),
    (_PASSKEY, ("/announce",), 65),
    (_CALENDAR, ("/private-",), 0),
    (_WIFI, ("wifi:",), 0),
    (_IPSEC, (": eap ", ": xauth ", ": psk "), 0),
    (_PROXY, ("sip:", "sips:", "ss://"), 0),
)
_LOGIN_SIGNS: Final = (
    *("login ", "login: ", "log-in ", "log in ", "logged in ", "creds", "credential", "superuser", "auth", "digest "),
    "register ",
    "identify ",
)
_USED_SIGNS: Final = (
    *(" as pass", " as my pass", " but the pass", " but my pass", " as the pass"),
    *(" as token", " as my token", " as the token", " as secret"),
)
_LOGINS: Final = (
    (_LOGIN, _LOGIN_SIGNS, 1),
    (_LETTERS, (" p: ",), 48),
    (_AT_HOST, ("@10.", "@192.168.", "@172.", "@127."), 166),
    (_ACCOUNT, (".com:", ".net:", ".org:", ".de:", ".ru:", ".fr:", ".io:", ".uk:"), 90),
    (_USED, _USED_SIGNS, 64),
    (_SENT, ('send "', 'send -- "'), 0),
)


RULES: Final = (
    SignRule(("password",), _set_passwords),
    *(rule_near(*row, _values) for row in _AT_SIGNS),
    *(rule_near(*row, _logins) for row in _LOGINS),
    SignRule(("kty",), _web_keys),
    SignRule(("code",), _codes),
    SignRule(("secret",), _of_kubernetes),
    SignRule(("input_value=", "duplicate entry", *_LOC_SIGNS), _of_fields),
    SignRule(("values", ")=("), _inserted),
    SignRule(("parameters:",), _asked),
)
