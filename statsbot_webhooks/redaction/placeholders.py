"""Placeholders and other texts after a secret's name that are no secret: expressions of source code, messages. Pure."""

from __future__ import annotations

from typing import Final

from .late_patterns import late

# Placeholders, only when they are one as a whole.
_END: Final = rb"(?=[\s,;&)}\]\"'|`<]|\Z|\\+[\"'nrt])"
OPEN: Final = late(
    rb"(?:(?i:none|null|nil|true|false|undefined|unset|empty|str|bytes|string|int|bool(?:ean)?|optional|any|object"
    rb"|required|redacted|hidden"
    rb"|masked|filtered|secret|passwor[dt]s?|kennwort|contrase\xc3\xb1a|senha|token|changeme|n/a|unknown|missing|invalid|expired|ok"
    rb"|yes|no|on|off|function|async|enabled|disabled|include|omit|same-origin|access|refresh|prompt|options?|flags?|all|amd64|arm64|i386"
    rb"|pwd?|pass|passwd|passphrase|HTTP/\d(?:\.\d)?"
    rb"|(?:your|my|the|insert|replace|enter)[_-](?:[a-z]{1,12}[_-]){0,3}(?:key|token|secret|password|here|id))"
    # A type of Python with its parameters, a parameter of SQL, null of YAML, and variables of PHP.
    rb"|(?:[A-Z][A-Za-z]{2,20}|tuple|list|dict|set|type)\[[\w., |\[\]()\"':`]{1,80}\](?=[ \t]*(?:[=,):]|->|\Z|[\r\n]))"
    rb"|:[a-z][a-z_]{0,40}|~|\$_[A-Z]{3,9}\[[^\]\n]{1,60}\]|\$\w{1,40}->\w{1,40}"
    # What Terraform does not show or does; references to stores of secrets; tags of HTML and of language models.
    rb"|\((?:optional|bool|str|int|list|dict)[,)]|\((?:sensitive|known after|hidden|redacted|none|empty|unset|not set"
    rb"|unchanged)[^)\n]{0,30}\)|[A-Z][a-z]{3,12}ing\.\.\."
    rb"|(?:env|vault|ssm|keyring|op|sops|secretsmanager|secretref|akv|gsm):[\w/.#${}-]{1,120}|@Microsoft\.KeyVault\([^)\n]{1,200}\)"
    rb"|!(?!!|vault\b)[A-Za-z][\w:]{1,30}[ ][\w./${}-]{1,80}"
    rb"|\$\{\w{1,60}:?[?+][^}\n]{0,60}\}|[A-Z][A-Za-z]{2,20}!|</?[a-z]{1,10}>|<\|\w{1,20}\|>|\[[A-Z]{2,5}\]"
    # The path of a file.
    rb"|(?:\w{2,12}:)?~?/(?:etc|run|var|home|root|opt|srv|usr|tmp|app|secrets|mnt)/(?:[\w.@-]{1,60}/){0,8}[\w-]{1,60}(?:\.[a-z]{2,5})?"
    # A role of a docstring, and objects as Java and Android print them.
    rb"|:[a-z]{2,12}:[^\s]{0,60}|[A-Z][A-Za-z]{3,40}\{[0-9a-f]{4,16}\b[^\s]{0,40}"
    rb"|[a-z][\w.]{2,80}\.[A-Z]\w{1,60}@[0-9a-f]{4,10}"
    rb"|\*{3,}|x{3,}|X{3,}|\.{3}|\xe2\x80\xa6|-{1,3}|\$\{[\w.:-]{1,80}\}|\$\([^)\n]{1,80}\)"
    rb"|\$\d|\?(?!<)|#\{[\w.]{1,40}\}|\$\{\{[^{}\n]{1,60}\}\}|\$[A-Z_][A-Z0-9_]{1,60}|%[A-Z_]{2,60}%"
    rb"|%(?:\(\w{1,40}\))?[sdr]|\{\w[\w.!:]{0,40}\}|\{\{[^{}\n]{1,60}\}\}|\[(?i:redacted|filtered|hidden"
    rb"|masked)[^\]\n]{0,40}\]|\[\]|\(\)"
    rb"|<(?i:(?:(?:your|my|the|an?|insert|enter|some)[\w -]{1,40}"
    rb"|[\w -]{0,20}(?:token|secret|password|passwd|key|value|here|cookie)"
    rb"|none|null|unset|empty|redacted|hidden|masked|filtered|string|str|omitted|removed|\.{3}))>"
    rb"|<[^<>\n]{1,80}(?: at 0x[0-9a-fA-F]+|=[^<>\n]{1,40})>"
    rb"|<(?:class|function|bound method|enum|module)\b[^<>\n]{1,80}>)" + _END
)
# The text of a template in place of a value, and a scheme without a value.
HINT: Final = late(
    rb"(?i:(?:place|put|insert|enter|paste|type|add|set|use|replace|change)[ _-](?:your|the|this|me|it|in|with|a)\b"
    rb"|your[ _-]|(?:bot|bearer|basic|token)\s*\Z"
    # A label or message about a password, as forms and translations have them.
    rb"|(?:this (?:field|value|password)|ensure |field required|must (?:be|not|contain|have)|enter |please )"
    rb"|[a-z' ]{0,40}\b(?:passwor[dt]s?|passphrase|token)\b(?:[ ][a-z]|[?!.:]\s*\Z))"
)
_EXPRESSION: Final = late(
    rb"(?:await[ ])?(?:var|locals?|module|data|each|random_password|aws_\w{1,40}|google_\w{1,40}|azurerm_\w{1,40}|self|cls"
    rb"|this|os|config|cfg|conf|settings|env|environ|args|options|opts|ctx|bot|app"
    rb"|request|req|resp|response"
    rb"|data|params"
    rb"|kwargs|process|interaction|client|session|utils|constants|secrets|hashlib|base64|json)"
    rb"(?:\.[A-Za-z_]\w{0,60}){1,6}(?=[\s,;)\]}:(\[]|\Z)"
    # The value of another name for a secret.
    rb"|(?:[a-z]{1,20}\.){1,4}_?(?:token|secret|password|key|value|cookie)(?=[\s,;)\]}:(]|\Z)"
    rb"|(?:[A-Za-z]{0,20}_){1,4}(?:token|secret|password|key|cookie)(?=[\s,;)\]}:(]|\Z)"
)
# With arguments as code has them, because a password may have a parenthesis.
_CALL: Final = late(
    rb"(?:(?:await|new)[ ])?[A-Za-z_](?>[\w.]|::){0,80}(?:\((?=\s*(?:\Z|[\r\n\"'\\]|[bBrRuUfF]{1,2}[\"'])"
    rb"|[\w\s.,=:*/+\[-]{0,200}[\"'()])|\[[\"'])"
)
_FRAME: Final = late(rb"[ \t]*(?:[|+][ -]{0,3})?File \"")
# A message about a secret.
SENTENCE: Final = late(
    rb"(?i:must|should|is|was|are|not|cannot|can't|has|have|does|doesn't|expected|required|invalid|expired|missing|failed"
    rb"|failure|incorrect|wrong|please|unable|unknown|unexpected|only"
    rb"|rejected|denied|too|at least|minimum|already|no|could|will|may|need|needs|this|field|ensure|enter"
    rb"|authentication)(?=[ ][a-z0-9'\"])"
)
FAULT: Final = late(
    rb"(?i:invalid|unexpected|bad|missing|wrong|unknown|expired|malformed|illegal|incorrect)[ ](?:[a-z]{2,12}[ ])?\Z"
)


def is_code(data: bytes, begin: int, start: int) -> bool:
    """Whether source code follows a name at `begin`, at `start`: code holds secrets in its strings only."""
    if _CALL.match(data, start) or _EXPRESSION.match(data, start):
        return True
    line = data.rfind(b"\n", max(0, begin - 2000), begin) + 1
    if not data.startswith((b"  ", b"\t"), line):
        # The line of the exception itself, not a source line of its traceback.
        return False
    for _ in range(4):
        before = data.rfind(b"\n", max(0, line - 2000), max(line - 1, 0)) + 1
        if line <= 0 or before >= line:
            return False
        if _FRAME.match(data, before):
            return True
        line = before
    return False
