"""Name words: words in names of secrets, in many languages, and the patterns that find them. `key_names` judges names.

A word is searched by its rarest letter, so that a text without any costs a few nanoseconds per letter, for any number of words.
Words beyond ASCII are also found as JSON, `repr` and URLs escape them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from heapq import merge
from typing import Final
from unicodedata import normalize
from urllib.parse import quote

# Words in lower case that make a name secret.
SECRET_WORDS: Final = (
    *("password", "passwort", "passwd", "passwrd", "passphrase", "passcode", "passord", "passkey", "pwd"),
    *("secret", "authorization", "credential", "cookie", "token", "jwt", "sessid", "mnemonic", "htpasswd", "psk", "masterauth"),
    *("security answer", "security_answer", "securityanswer"),
    # Danish, Dutch, Estonian, Finnish, French, German, Hungarian, Icelandic, Italian, Lithuanian
    *("adgangskode", "kodeord", "wachtwoord", "parool", "salasõna", "salasana", "motdepasse", "kennwort", "geheimwort"),
    *("losungswort", "geheimnis", "jelszó", "lykilorð", "parola", "segreto", "slaptažodis"),
    # Polish, Portuguese, Romanian, Spanish, Catalan, Swedish, Turkish, Albanian
    *("haslo", "hasło", "sekret", "senha", "segredo", "parolă", "contraseña", "contrasena", "contrasenya", "lösenord", "sifre"),
    *("şifre", "şi̇fre", "fjalëkalim"),
    # Czech and Slovak, Indonesian, Slovene, Serbian and Croatian, Ukrainian, Bulgarian
    *("heslo", "geslo", "lozinka", "лозинка", "гасло", "парола", "kata laluan", "nenosiri", "pasahitza", "contrasinal"),
    # Arabic, Chinese, Greek, Hebrew
    *("كلمة المرور", "كلمة السر", "كلمة مرور", "السري", "باسورد", "رمز الدخول"),
    *("密码", "密碼", "口令", "密钥", "密鑰", "令牌", "私钥", "私鑰", "秘钥", "通行码", "κωδικός", "סיסמה", "סיסמא"),
    # Persian, Urdu, Bengali, Gujarati, Punjabi, Tamil, Telugu, Armenian, Georgian, Kazakh
    *("رمز عبور", "گذرواژه", "پاس ورڈ", "পাসওয়ার্ড", "પાસવર્ડ", "ਪਾਸਵਰਡ", "கடவுச்சொல்", "పాస్‌వర్డ్", "գաղտնաբառ", "პაროლი", "құпия сөз"),
    # Hindi, Japanese, Korean, Russian, Thai, Vietnamese
    *("पासवर्ड", "कूटशब्द", "टोकन", "パスワード", "暗証番号", "パスフレーズ", "秘密鍵"),
    *("トークン", "合言葉", "パスコード", "シークレット", "비밀번호", "비번", "비밀키", "토큰"),
    *("패스워드", "인증키", "시크릿", "пароль", "пароли", "секрет", "токен", "кодовое слово", "รหัสผ่าน", "mật khẩu"),
)
# "Key" in Dutch, French, German, Italian, Polish, Portuguese, Spanish, Turkish, and others; "token" in French.
KEY_WORDS: Final = (
    *("sleutel", "schlüssel", "chiave", "klucz", "chave", "clave", "anahtar", "nøgle", "nøkkel", "nyckel", "jeton"),
    *("ключ", "キー", "암호", "कुंजी", "المفتاح", "מפתח", "κλειδί"),
)
# Words of names whose value is secret if it looks like one. `hm` and `sig` sign URLs, the first those of Discord's files;
# OAuth and single sign-on pass codes, assertions and tickets in URLs.
AMBIGUOUS_WORDS: Final = (
    *("pass", "pw", "auth", "key", "session", "sess", "cred", "sid", "sig", "signature", "appid", "phrase"),
    *("code", "verifier", "assertion", "saml", "bearer", "srf", "ticket", "salt", "pepper", "seed", "magic", "otp"),
    *("mdp", "hmac"),
    *("community", "onstring", "on_string", "on-string", "sandi", "pword", "pwrd", "psw", "clé", "cle_"),
    *KEY_WORDS,
)
# Characters from the most frequent to the rarest in texts.
_FREQUENT: Final = "-_etaoinrlhdcsumfgpwybvkxjqz"


# The beginnings of escapes, and a look-ahead that must hold for a word.
_SIGNS: Final = {b"\\u": b"(?=[0-9a-f]{4})", b"\\x": b"(?=[c-e])", b"%": b"(?=[c-e][0-9a-f]%)"}


def _rare(form: bytes) -> int:
    """Return the position of the rarest letter of a word; preferably not its end, because what follows is compared first."""
    last = len(form) - 1
    return max(
        range(last + 1),
        key=lambda at: (form[at] & 0x3F) + 50 if form[at] > 127 else _FREQUENT.find(chr(form[at])) - 5 * (at == last),
    )


def any_of(forms: Iterable[bytes], anchor: bytes = b"") -> re.Pattern[bytes]:
    """Return a pattern whose match ends where one of the forms ends, and begins at its rarest letter, or at `anchor`."""
    rest: dict[bytes, list[bytes]] = {}
    known = sorted({*forms}, key=len)
    for form in [form for number, form in enumerate(known) if not any(other in form for other in known[:number])]:
        at = form.index(anchor) if anchor else _rare(form)
        size = max(len(anchor), 1)
        behind = b"(?<=" + re.escape(form) + b")" if at else b""
        rest.setdefault(form[at : at + size], []).append(re.escape(form[at + size :]) + behind)
    ahead = _SIGNS.get(anchor, b"")
    return re.compile(
        b"|".join(re.escape(letter) + ahead + b"(?:" + b"|".join(rests) + b")" for letter, rests in sorted(rest.items()))
    )


def _cases(word: str) -> set[str]:
    """Return the forms of a word in a lower-case text, of which only the ASCII letters are lowered."""
    # A dotted capital I of Turkish is one letter.
    forms = (
        [word]
        if word.isascii()
        else [word, word.upper(), word.capitalize(), normalize("NFC", word.upper()), normalize("NFD", word)]
    )
    return {"".join(char.lower() if char.isascii() else char for char in form) for form in forms}


_FORMS: Final = {form.encode(): word for word in (*SECRET_WORDS, *AMBIGUOUS_WORDS) for form in _cases(word)}
_OTHER: Final = {form: word for form, word in _FORMS.items() if not word.isascii()}


# Built by the first text or by a thread at the start, because it takes milliseconds.
@cache
def ascii_words() -> re.Pattern[bytes]:
    """Return the pattern of all words in ASCII."""
    return any_of(ascii_forms())


def ascii_forms() -> list[bytes]:
    """Return the words in ASCII."""
    return [form for form in _FORMS if form not in _OTHER]


@cache
def _others() -> re.Pattern[bytes]:
    return any_of(_OTHER)


@cache
def _escaped() -> tuple[dict[bytes, str], tuple[re.Pattern[bytes], ...]]:
    """Return the words beyond ASCII as JSON, `repr` of bytes and URLs spell them, and their patterns."""
    known: dict[bytes, str] = {}
    for form, word in _OTHER.items():
        text = form.decode()
        known[b"".join(b"\\u%04x" % ord(char) if ord(char) > 127 else char.encode() for char in text)] = word
        known[quote(text, safe=" ").lower().encode()] = word
        known[quote(text, safe="").lower().encode()] = word
        known["".join(char if char.isascii() else f"\\x{ord(char):02x}" for char in form.decode("latin-1")).encode()] = word
    return known, tuple(any_of([form for form in known if sign in form], sign) for sign in _SIGNS)


def may_have_other_word(lower: bytes) -> bool:
    """Whether a text in lower case has one of the words beyond ASCII, as it is or escaped."""
    if lower.isascii() and b"\\" not in lower and b"%" not in lower:
        return False
    return any(pattern.search(lower) is not None for pattern in _other_patterns(lower))


def _other_patterns(lower: bytes) -> Iterator[re.Pattern[bytes]]:
    if not lower.isascii():
        yield _others()
    for number, sign in enumerate(_SIGNS):
        if sign in lower:
            yield _escaped()[1][number]


def places(lower: bytes, parts: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield the ends of words in a lower-case text, in order. Words in ASCII are searched in `parts` only."""
    in_ascii = (match.end() for part in parts for match in ascii_words().finditer(lower, *part))
    return merge(in_ascii, *((match.end() for match in pattern.finditer(lower)) for pattern in _other_patterns(lower)))


def word_at(lower: bytes, end: int) -> tuple[str, int]:
    """Return the word that ends at `end`, and its begin, escapes included; an empty word when there is none."""
    part = lower[max(0, end - 200) : end]
    forms, endings = _all_forms()
    if not part.endswith(endings):
        return "", end
    form = max(filter(part.endswith, endings), key=len)
    return forms[form], end - len(form)


@cache
def _all_forms() -> tuple[dict[bytes, str], tuple[bytes, ...]]:
    forms = _FORMS | _escaped()[0]
    return forms, tuple(forms)


@cache
def bulk_patterns() -> tuple[bytes, bytes]:
    """Return the patterns of the ASCII words that make a name secret, and of those that may."""
    strong, weak = (any_of(word.encode() for word in words if word.isascii()) for words in (SECRET_WORDS, AMBIGUOUS_WORDS))
    return strong.pattern, weak.pattern
