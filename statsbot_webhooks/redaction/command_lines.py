"""Passwords on command lines: `--password x`, `-u user:password`, and the letters that single programs use. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from .key_names import looks_random
from .late_patterns import late
from .secret_strings import is_mixed
from .signs import Found, rule_near

_VALUE: Final = r"(?:\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|[^\s\"'\-](?>[^\s\"'\\]|\\(?![rnt]))*+)"
# Between option and value; in a list of arguments, as Python and JSON write it, quotes and a comma.
_GAP: Final = r"(?:[ \t]{1,4}|=|[\"'],\s?[\"']|\" a\d=\")"
_USER: Final = late(
    rf"-(?<=[\s\"']-)(?:u|U|E|-cert|-user|-proxy-user|-userpwd|-(?:src-|dest-)?cred(?:ential)?s?|[sSkLvfgiI]{{1,5}}u|-(?:\w{{1,10}}-)?auth)(?:{_GAP})?[\"']?[^\s:\"'/]{{1,80}}:"
    rf"(?P<value>(?:/(?=[^\s\"']*[^\w\s\"'./-]))?[^\s\"'/\\:][^\s\"']*+)".encode()
)
# The letters of single programs for a password. The option is found first, and then the program before it.
_LETTER: Final = late(
    rf"-(?<=[\s\"']-)(?P<letter>pass(?:in|out)?(?=[ =])|-value|-body|-plaintext|[pw]w?(?=[\s:])|hp|[paPwUktbsNKcAX])"
    rf"(?P<gap>[ =:]?)(?:pass:)?"
    rf"(?P<value>{_VALUE})".encode()
)
# Options of `htpasswd`: letters in one word or several, and the cost of the encryption.
_FLAGS: Final = r"(?:\s-\w{1,9}(?:(?<=C)\s\d{1,2})?)"
# The beginning of all options above; and programs that take a password without an option.
_OPTION: Final = late(
    rb"-(?<=[\s\"']-)(?:[paPwUkutbsNKEcAX]|hp|-user|-proxy-user|-(?:src-|dest-)?cred|[sSkLvfgiI]{1,5}u|-value|-body|-plain"
    rb"|-[\w-]{0,11}auth|-cert)"
)
_PLAIN: Final = late(
    # A file name comes before the user, unless one of the options has an `n`.
    rf"(?:htpasswd(?={_FLAGS}{{0,3}}\s-\w{{0,8}}b)(?:(?={_FLAGS}{{0,3}}\s-\w{{0,8}}n){_FLAGS}{{1,4}}"
    rf"|(?!{_FLAGS}{{0,3}}\s-\w{{0,8}}n){_FLAGS}{{1,4}}\s\S{{1,100}})\s\S{{1,100}}|mosquitto_passwd\s-b\s\S{{1,100}}\s\S{{1,100}}"
    r"|vault\s(?:operator\s)?(?:unseal|login)|(?:cargo|snyk)\s(?:login|auth)|rabbitmqctl\s(?:add_user|change_password)\s\S{1,100}"
    r"|wpa_passphrase\s\S{1,100}|mkpasswd(?:\s-m\s\S{1,20})?|openssl\spasswd(?:\s-[\w]{1,8})?|(?:poetry|composer)\sconfig\shttp-basic\.\S{1,80}\s\S{1,80}"
    r"|poetry\sconfig\s\S{1,100}|sentinel\sauth-pass\s\S{1,80}|enable\s(?:secret|password)(?:\slevel\s\d{1,2})?(?:\s\d)?"
    r"|mc\s(?:alias\sset|config\shost\sadd)\s\S{1,100}\s\S{1,200}\s\S{1,100}|-setairportnetwork\s\S{1,40}\s\S{1,60}"
    r"|rclone\sobscure|rclone\sconfig\s[^\n|]{1,100}\spass|ftp\s[^\n|]{0,60}\buser\s\S{1,100}|(?:requirepass|masterauth)\"?"
    # Of protocols: Redis, SMTP, IMAP, FTP and IRC; and a secret of Kubernetes.
    r"|AUTH(?:ENTICATE|INFO)?\"?(?:\s\"?(?:PLAIN|LOGIN|XOAUTH2|PASS|default)\"?)?"
    r"(?:(?:\\r|\\n|[\r\n]){1,4}334[ ]?(?:\\r|\\n|[\r\n]){1,4})?|auth=(?:XOAUTH2|Bearer)"
    r"|(?i:nickserv) :?(?i:identify)(?:[ ]\S{1,40}(?=[ ]\S))?|gcloud\sauth\sactivate-refresh-token\s\S{1,100}"
    # Of network devices.
    r"|snmp-server\scommunity|r[ow]community6?|(?:tacacs|radius)-server\skey(?:\s\d)?|key-string(?:\s\d)?|"
    r"[A-Za-z]{1,6}\d{1,6}\sLOGIN\s\S{1,100}|PASS"
    r"|lftp\s[^\n|]{0,80}?-u\s?[^\s,]{1,80},(?=\S)|--from-literal[= ][\"']?[\w.-]{1,60}=(?=\S)"
    r"|net1?(?:\.exe)?\suse\s(?:\S{1,3}\s)?\\{2,8}[^\s\\]{1,100}\\{1,4}\S{1,100}(?:\s/user:\S{1,100})?|net1?(?:\.exe)?\suser\s[^\s/]{1,100}"
    rf")(?:\s{{1,4}}|(?<=[,=]))(?P<value>{_VALUE})".encode()
)
# Before the password of FTP: the user's name, the answer of the server, the sign of a client's log.
_FTP: Final = late(
    rb"(?:(?:USER\s\S{1,80}|331\s[^\n]{1,80}?)(?:\\r|\\n|[\r\n]){1,2}[->C: ]{0,6}|[->]{3,5}[ ]?|\*cmd\* '|\((?:\d{1,5}, )?\")\Z"
)
# user/password, and options of Windows programs, which begin with a slash.
_SLASHED: Final = late(
    rb"(?:(?:sqlplus|exp|imp|expdp|impdp|sqlldr)\s(?:-\w\s|userid=){0,3}[\w$#]{1,40}/(?P<value>(?!nolog)[^\s/@\"']{3,100})"
    rb"|(?:xfreerdp|wfreerdp|mstsc|schtasks|psexec|wmic|sqlcmd|net|runas|cmdkey)\b"
    rb"[^\n|]{0,200}?\s/(?:r?p|pw|pass(?:word)?)[: ]['\"]?"
    rb"(?P<slash>[^\s\"'/*]{3,200}))"
)
# On standard input: echo secret | program, program <<< secret
_READS: Final = (
    rb"(?:sudo|kinit|chpasswd|passwd|--\S{0,20}stdin|passphrase-fd|cryptsetup|smbpasswd"
    rb"|openssl|gpg|vault|gh|wrangler|secret|ftp|login|pass insert|keyring)"
)
_PIPED: Final = late(
    rb"(?:<\((?:echo|printf)\s(?:-\w{1,3}\s)?(?P<substituted>'[^'\n]{1,300}'|\"[^\"\n]{1,300}\"|[^\s|$)]{1,300})\s?\)"
    rb"|(?:echo|printf)\s(?:-\w{1,3}\s|'%s(?:\\n)?'\s|\"%s\"\s)?"
    rb"(?P<value>'[^'\n]{1,300}'|\"[^\"\n]{1,300}\"|[^\s|$]{1,300})"
    rb"\s?(?:\|\s?[^\n|]{0,80}?"
    + _READS
    + rb"\b|>{1,2}\s?[^\s|]{0,100}?(?:passw|secret|token|credential|api[_-]?key)[\w.-]{0,20}(?=\s|\Z)))"
)
_HERE: Final = late(rb"<<<\s?(?P<value>'[^'\n]{1,300}'|\"[^\"\n]{1,300}\"|[^\s$]{1,300})")
_READER: Final = late(rb"\b" + _READS + rb"\b[^\n|<]{0,80}\Z")
_PROGRAMS: Final = {
    b"p": late(
        rb"\b(?:sshpass|(?:docker|podman|nerdctl|crane auth|oras|helm registry) login|az (?:login|[^\n|;]*?-(?:-username|u"
        rb"|-service-principal))|winrs"
        rb"|cypher-shell|evil-winrm|crackmapexec|hydra"
        rb"|mongo(?:sh|dump|restore|export|import)?|cqlsh|rdesktop|twine upload"
        rb"|rabbitmqadmin|airflow users"
        rb"|ncftp\w{3}|user(?:add|mod)|security unlock\S*|(?:un)?rar|7za?|smbmap|lpass|psexec|plink|pscp)\b[^\n|;]*\Z"
    ),
    b"a": late(rb"\b(?:(?:redis|keydb|valkey)-cli|https?|httpie|xh)\b[^\n|;]*\Z"),
    b"P": late(rb"\b(?:sqlcmd|osql|bcp|unzip|zip|isql|influx|mosquitto_\w{3}|ssh-keygen|security import|ipmi\w+)\b[^\n|;]*\Z"),
    b"w": late(rb"\b(?:ldap(?:search|modify|add|whoami|delete|passwd)|security add\S*)\b[^\n|;]*\Z"),
    b"U": late(rb"\b(?:smbclient|rpcclient|net)\b[^\n|;]*\Z"),
    b"k": late(rb"\b(?:openssl|nuget push)\b[^\n|;]*\Z"),
    b"K": late(rb"\bopenssl\b[^\n|;]*\Z"),
    b"N": late(rb"\bssh-keygen\b[^\n|;]*\Z"),
    b"s": late(rb"\bldappasswd\b[^\n|;]*\Z"),
    b"t": late(rb"\bdoctl auth\b[^\n|;]*\Z"),
    b"b": late(rb"\bgh secret\b[^\n|;]*\Z"),
    **dict.fromkeys((b"c", b"A", b"X"), late(rb"\bsnmp\w{2,12}\b[^\n|;]*\Z")),
    b"hp": late(rb"\brar\b[^\n|;]*\Z"),
    b"pw": late(rb"\b(?:plink|pscp|putty|psftp)\b[^\n|;]*\Z"),
    b"-value": late(rb"(?i:secret|securestring|password|token)[^\n|;]*\Z"),
    b"-body": late(rb"\bgh secret\b[^\n|;]*\Z"),
    b"-plaintext": late(rb"\bhash-password\b[^\n|;]*\Z"),
}
# The name of each program contains one of these.
_PROGRAM_NAMES: Final = (
    *(b"login", b"mongo", b"pass", b"cqlsh", b"7z", b"smb", b"psexec", b"plink", b"pscp", b"-cli", b"sqlcmd", b"bcp"),
    *(b"zip", b"rar", b"isql", b"influx", b"ldap", b"rpcclient", b"net", b"openssl", b"mysql", b"mariadb", b"mytop"),
    *(b"rdesktop", b"twine", b"rabbitmq", b"airflow", b"ncftp", b"user", b"security", b"http", b"xh", b"osql"),
    *(b"mosquitto", b"keygen", b"nuget", b"doctl", b"secret", b"snmp", b"ipmitool", b"docker", b"podman", b"az "),
    *(b"winrs", b"winrm", b"cypher-shell", b"crackmapexec", b"hydra", b"ecureString", b"hash-", b"oken", b"putty", b"psftp"),
)
# After `-p` and a blank MySQL's programs expect the name of a database.
_MYSQL: Final = late(rb"\b(?:mysql\w{0,8}|mariadb(?:-\w{1,12})?|mytop)\b[^\n|;]*\Z")
# A value that can only be a key, after the letter of any program.
_KEY: Final = late(rb"(?=[^\s]{0,40}[a-z])(?=[^\s]{0,40}[A-Z])(?=[^\s]{0,40}\d)[\w-]{20,200}")
_PLACEHOLDER: Final = late(
    rb"[\"']?(?:\$(?:[A-Z_][A-Z0-9_]*|\{[^}\s]*\}|\([^)\n]*\))|<[^>\n]*>|\*{3,}|%s|\{\w*\}|\.{3}"
    rb"|\((?:redacted|hidden)\)|(?i:password|pw|pass)[>\])]*)[\"'.]?"
)


# Each text with a password without an option contains one of these.
_PLAIN_SIGNS: Final = (
    *("htpasswd ", "mosquitto_passwd ", "vault ", "cargo ", "snyk ", "rabbitmqctl", "wpa_pass", "mkpasswd ", "openssl "),
    *("poetry ", "composer ", "auth-pass ", "enable secret", "enable password", "mc alias", "mc config", "setairport"),
    *("rclone", "ftp ", "auth ", "pass ", "login ", "lftp ", "from-literal", "requirepass ", "masterauth ", "net use"),
    *("net1 use", "net user", "exe use", "authenticate ", "auth=xoauth2", "auth=bearer", 'auth" "', 'pass" "', 'masterauth" "'),
    *("nickserv", "refresh-token ", "community", "-server key", "key-string"),
)
_SLASHED_SIGNS: Final = (
    *("sqlplus", "exp ", "imp ", "expdp", "impdp", "sqlldr", "freerdp", "mstsc ", "schtasks", "psexec", "wmic "),
    *("sqlcmd", "runas ", "cmdkey", "net use"),
)
# How far a find may begin before its sign: the tag of IMAP comes before "login ".
_FURTHEST_BEFORE: Final = 14


def may_have_option(data: bytes) -> bool:
    """Whether a text may have an option with a password; False is certain."""
    return b"-" in data and _OPTION.search(data) is not None


def find_options(data: bytes) -> Iterator[Found]:
    """Return the passwords that are values of an option."""
    return chain(_values(_USER.finditer(data)), _letters(data)) if may_have_option(data) else iter(())


def _values(matches: Iterable[re.Match[bytes]]) -> Iterator[Found]:
    for match in matches:
        group = match.lastgroup or ""
        if not _PLACEHOLDER.fullmatch(match[group]) and _is_meant(match, group):
            yield Found(*match.span(group), "password")


def _is_meant(match: re.Match[bytes], group: str) -> bool:
    """Whether a word after the name of a command is its argument, and not part of a sentence."""
    found, text = match[0], match[group].decode("utf-8", "replace")
    if found.startswith(b"<<<"):
        return _READER.search(match.string[max(0, match.start() - 120) : match.start()]) is not None
    if found.startswith(b"AUTH default "):
        return True
    if found.startswith(b"PASS ") and _FTP.search(match.string, max(0, match.start() - 100), match.start()):
        return True
    if found.startswith((b"AUTH ", b"PASS ", b"cargo", b"snyk", b"vault")):
        return looks_random(text) and not text.endswith(":")
    if found.startswith((b"requirepass ", b"masterauth ")):
        return looks_random(text) or not text.isalpha()
    is_filed = found.startswith((b"echo", b"printf")) and b"|" not in found
    if is_filed or found.startswith((b"enable", b"<(")) or (found.startswith(b"poetry") and b"http-basic" not in found):
        return is_mixed(text)
    return not (found.startswith(b"AUTH") and text.endswith(":"))


def _letters(data: bytes) -> Iterator[Found]:
    is_program = any(program in data for program in _PROGRAM_NAMES)
    for match in _LETTER.finditer(data):
        if _PLACEHOLDER.fullmatch(match["value"]):
            continue
        if (is_program and _is_password(data, match)) or (match["letter"] in b"tpkaw" and _KEY.fullmatch(match["value"])):
            start = match.start("value")
            if match["letter"] == b"U":
                start += match["value"].find(b"%") + 1
            yield Found(start, match.end("value"), "password")


def _is_password(data: bytes, match: re.Match[bytes]) -> bool:
    letter, start = match["letter"], match.start()
    before = data[max(0, start - 200) : start]
    if letter == b"p" and match["gap"] != b" " and _MYSQL.search(before):
        return len(match["value"]) > 2
    if letter in b"kKNsbtcAX" and not match["gap"]:
        # Of a longer option, such as `-key`.
        return False
    if letter.startswith(b"pass"):
        letter = b"k"
    program = _PROGRAMS.get(letter)
    return program is not None and program.search(before) is not None and (letter != b"U" or b"%" in match["value"])


RULES: Final = (
    rule_near(_PLAIN, _PLAIN_SIGNS, _FURTHEST_BEFORE, _values),
    rule_near(_SLASHED, _SLASHED_SIGNS, _FURTHEST_BEFORE, _values),
    rule_near(_HERE, ("<<<",), 0, _values),
    rule_near(_PIPED, ("echo", "printf"), 2, _values),
)
"""Passwords that are arguments at a known position."""
