"""Name words: words in names of secrets, in many languages, and the patterns that find them. `key_names` judges names.

A word is searched by its rarest letter, so that a text without any costs a few nanoseconds per letter, for any number of words.
Words beyond ASCII are also found as JSON, `repr` and URLs escape them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from heapq import merge
from itertools import chain
from typing import Final
from unicodedata import normalize
from urllib.parse import quote

from .signs import Signs

# Words in lower case that make a name secret.
SECRET_WORDS: Final = (
    *("password", "passwort", "passwd", "passwrd", "passphrase", "passcode", "passord", "passkey", "pwd"),
    *("secret", "authorization", "credential", "cookie", "token", "jwt", "sessid", "mnemonic", "htpasswd", "psk", "masterauth"),
    *("security answer", "security_answer", "securityanswer"),
    # Danish, Dutch, Estonian, Finnish, French, German, Hungarian, Icelandic, Italian, Lithuanian
    *("adgangskode", "kodeord", "wachtwoord", "parool", "salasõna", "salasana", "motdepasse", "kennwort", "geheimwort"),
    *("losungswort", "geheimnis", "jelszó", "lykilorð", "parola", "segreto", "slaptažodis"),
    # Polish, Portuguese, Romanian, Spanish, Catalan, Swedish, Turkish, Albanian
    *("haslo", "hasł", "sekret", "senha", "segredo", "parolă", "contraseña", "contrasena", "contrasenya", "lösenord", "sifre"),
    *("şifre", "şi̇fre", "fjalëkalim"),
    # Czech and Slovak, Indonesian, Slovene, Serbian and Croatian, Ukrainian, Bulgarian
    *("heslo", "geslo", "lozinka", "лозинка", "гасло", "kata laluan", "nenosiri", "pasahitza", "contrasinal"),
    # Arabic, Chinese, Greek, Hebrew
    *("كلمة المرور", "كلمة السر", "كلمة مرور", "السري", "باسورد", "رمز الدخول", "رمز المرور", "رمز الوصول"),
    *("密码", "密碼", "口令", "密钥", "密鑰", "令牌", "私钥", "私鑰", "秘钥", "通行码", "授权码", "κωδικός", "סיסמה", "סיסמא"),
    # Persian, Urdu, Bengali, Gujarati, Punjabi, Tamil, Telugu, Armenian, Georgian, Kazakh
    *("رمز عبور", "گذرواژه", "پاس ورڈ", "পাসওয়ার্ড", "પાસવર્ડ", "ਪਾਸਵਰਡ", "கடவுச்சொல்", "పాస్వర్డ్", "գաղտնաբառ", "პაროლი", "құпия сөз"),
    # Kannada, Malayalam, Sinhala, Burmese, Khmer, Lao, Amharic, Mongolian
    *("ಪಾಸ್ವರ್ಡ್", "പാസ്വേഡ്", "පාස්වර්ඩ්", "စကားဝှက်", "ពាក្យសម្ងាត់", "ລະຫັດຜ່ານ", "የይለፍ ቃል", "нууц үг"),
    # Hindi, Japanese, Korean, Russian, Thai, Vietnamese
    *("पासवर्ड", "कूटशब्द", "टोकन", "パスワード", "暗証番号", "パスフレーズ", "秘密鍵"),
    *("トークン", "合言葉", "パスコード", "シークレット", "비밀번호", "비번", "비밀키", "토큰"),
    *("패스워드", "인증키", "시크릿", "парол", "секрет", "токен", "кодовое слово", "код доступ"),
    *("รหัสผ่าน", "โทเค็น", "mật khẩu", "mã thông báo"),
)
# "Key" in Dutch, French, German, Italian, Polish, Portuguese, Spanish, Turkish, and others; "token" in French.
KEY_WORDS: Final = (
    *("sleutel", "schlüssel", "chiave", "klucz", "chave", "clave", "anahtar", "nøgle", "nøkkel", "nyckel", "jeton", "kunci"),
    "kulcs",
    *("ключ", "キー", "암호", "कुंजी", "مفتاح", "מפתח", "κλειδί", "klíč", "khóa", "คีย์", "키"),
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
# Letters from the most frequent to the rarest in texts, of the Latin and the Cyrillic alphabet; others are rarer.
_FREQUENT: Final = "-_etaoinrlhdcsumfgpwybvkxjqzоеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъ"


# The beginnings of escapes, and a look-ahead that must hold for a word.
_SIGNS: Final = {"\\u": "(?=[0-9a-f]{4})", "\\x": "(?=[c-e])", "%": "(?=[c-e][0-9a-f]%)"}


def _rare(form: str) -> int:
    """Return the position of the rarest letter of a word; preferably not its end, because what follows is compared first."""
    last = len(form) - 1
    return max(
        range(last + 1),
        key=lambda at: (_FREQUENT.find(form[at]) if form[at] in _FREQUENT or form[at].isascii() else 100) - 5 * (at == last),
    )


def any_of(forms: Iterable[str], anchor: str = "") -> str:
    """Return a pattern whose match ends where one of the forms ends, and begins at its rarest letter, or at `anchor`."""
    rest: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    known = sorted({*forms}, key=lambda form: (len(form), form))
    for form in [form for number, form in enumerate(known) if not any(other in form for other in known[:number])]:
        at = form.index(anchor) if anchor else _rare(form)
        size = max(len(anchor), 1)
        rest[form[at : at + size]].append((form[at + size :], f"(?<={re.escape(form)})" if at else ""))
    ahead = _SIGNS.get(anchor, "")
    return "|".join(f"{re.escape(letter)}{ahead}(?:{_either(rests, 2)})" for letter, rests in sorted(rest.items()))


def _either(rests: Iterable[tuple[str, str]], depth: int) -> str:
    """Return the alternatives of texts, each with what must stand behind it; grouped by their first letters."""
    if not depth:
        return "|".join(re.escape(rest) + behind for rest, behind in rests)
    groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for rest, behind in rests:
        groups[rest[:1]].append((rest[1:], behind))
    return "|".join(f"{re.escape(first)}(?:{_either(group, depth - 1)})" for first, group in sorted(groups.items()))


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


@cache
def ascii_forms() -> tuple[str, ...]:
    """Return the words in ASCII, without those in which another one stands."""
    forms = [form.decode() for form in _FORMS if form not in _OTHER]
    return tuple(form for form in forms if not any(other in form for other in forms if other != form))


@cache
def _pairs() -> tuple[tuple[tuple[str], str], ...]:
    return tuple(((form,), form) for form in ascii_forms())


# Built by the first text that needs them, because it takes milliseconds.
@cache
def _others() -> re.Pattern[str]:
    return re.compile(any_of(form.decode() for form in _OTHER))


@cache
def _escaped() -> tuple[dict[bytes, str], dict[bytes, re.Pattern[bytes]]]:
    """Return the words beyond ASCII as JSON, `repr` of bytes and URLs spell them, and their patterns by their signs."""
    known: dict[str, str] = {}
    for form, word in _OTHER.items():
        text = form.decode()
        known["".join(f"\\u{ord(char):04x}" if ord(char) > 127 else char for char in text)] = word
        known[quote(text, safe=" ").lower()] = word
        known[quote(text, safe="").lower()] = word
        known["".join(char if char.isascii() else f"\\x{ord(char):02x}" for char in form.decode("latin-1"))] = word
    patterns = {sign.encode(): any_of([form for form in known if sign in form], sign).encode() for sign in _SIGNS}
    return (
        {form.encode(): word for form, word in known.items()},
        {sign: re.compile(pattern) for sign, pattern in patterns.items()},
    )


def may_have_other_word(lower: bytes) -> bool:
    """Whether a text in lower case has one of the words beyond ASCII, as it is or escaped."""
    if lower.isascii() and b"\\" not in lower and b"%" not in lower:
        return False
    return next(chain(*_other_places(lower)), 0) > 0


def _other_places(lower: bytes) -> Iterator[Iterator[int]]:
    """Yield the ends of words beyond ASCII: those that are written as they are, and those with each kind of escapes."""
    if not lower.isascii():
        yield _unescaped_places(lower)
    for sign in map(str.encode, _SIGNS):
        if sign in lower:
            yield (match.end() for match in _escaped()[1][sign].finditer(lower))


def _unescaped_places(lower: bytes) -> Iterator[int]:
    # A text is searched faster than its bytes, of which each occurs in many letters.
    text = lower.decode("utf-8", "surrogateescape")
    done = end = 0
    for match in _others().finditer(text):
        end += len(text[done : match.end()].encode("utf-8", "surrogateescape"))
        done = match.end()
        yield end


def places(signs: Signs) -> Iterator[int]:
    """Yield the ends of words in a text, in order."""
    return merge(signs.ends(signs.of(_pairs())), *_other_places(signs.lower))


def word_at(lower: bytes, end: int) -> tuple[str, int]:
    """Return the word that ends at `end`, and its begin, escapes included; an empty word when there is none."""
    by_end = _forms_by_end().get(lower[end - 1 : end], {})
    form = next((form for form in by_end if lower.endswith(form, 0, end)), b"")
    return by_end.get(form, ""), end - len(form)


@cache
def _forms_by_end() -> dict[bytes, dict[bytes, str]]:
    """Return all forms and their words, the longest first, by their last byte."""
    found: defaultdict[bytes, dict[bytes, str]] = defaultdict(dict)
    forms = _FORMS | _escaped()[0]
    for form in sorted(forms, key=len, reverse=True):
        found[form[-1:]][form] = forms[form]
    return dict(found)


@cache
def bulk_patterns() -> tuple[bytes, bytes]:
    """Return the patterns of the ASCII words that make a name secret, and of those that may."""
    strong, weak = (any_of(word for word in words if word.isascii()) for words in (SECRET_WORDS, AMBIGUOUS_WORDS))
    return strong.encode(), weak.encode()
