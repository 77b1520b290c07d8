"""Secrets that their place gives away, in protocols, commands, hashes and objects; what only looks like such a place stays."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from statsbot_webhooks.redaction.redactor import Redactor

RANDOM, PASSWORD, WORD = "4Fz8qTn2Lk9VxB3mYw6RcD1sHj5P", "h7Kq-Zp3mX9w", "wanderlust"
AWS = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzzKq9TzAbC"
AWS_ID = "AKIA" + "Q3EGZ7XW5VUT2SRP"
CODED = b64encode(f"bob:{WORD}".encode()).decode()
SECRETS = (
    *((f"{AWS_ID}{between}{AWS}", AWS) for between in (" ", ":", ",", "/", "\n", "', '", " and ")),
    (f"s3://{AWS_ID}:{AWS.replace('/', '%2F')}@bucket", "K7MDENG"),
    ("otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6", "CjEKCkhlbGxv"),
    ("bob:$apr1$eWv4V5Z1$7b1Xr8s5w9C0Kx4b0vQ0t.", "7b1Xr8s5w9"),
    ("bob:$2y$05$abcdefghijklmnopqrstuuB1Xr8s5w9C0Kx4b0vQ0tabcdefghijk", "B1Xr8s5w9"),
    ("bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "W6ph5Mm5"),
    (f"root:$6$abcdefgh${RANDOM * 3}:19000:0:99999:7:::", RANDOM),
    (f"argon2: $argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ${RANDOM}", RANDOM),
    (f"pbkdf2_sha256$260000$abcdefghijkl${RANDOM}=", RANDOM),
    (f"scrypt:32768:8:1$abc${'0a1b2c3d' * 8}", "0a1b2c3d0a1b"),
    (f"USER bob\r\nPASS {WORD}", WORD),
    (f"CAP REQ\r\nPASS {PASSWORD}\r\nNICK bob", PASSWORD),
    (f"a1 LOGIN bob {WORD}", WORD),
    (f"AUTH PLAIN {CODED}", CODED),
    (f"lftp -u bob,{WORD} host", WORD),
    (f"kubectl create secret generic x --from-literal=db={WORD}", WORD),
    (f"ipmitool -H h -U u -P {PASSWORD}", PASSWORD),
    (f"SET PASSWORD FOR 'b'@'h' = PASSWORD('{WORD}')", WORD),
    (f"password from hunter2 to {PASSWORD}", PASSWORD),
    (f"token != {RANDOM}", RANDOM),
    (f"AZURE_DEVOPS_EXT_PAT={RANDOM.lower()}", RANDOM.lower()),
    (f"kind: Secret\ndata:\n  db: {CODED}\n", CODED),
    (f"apiVersion: v1\nstringData:\n  db: {WORD}\nkind: Secret\n", WORD),
    (f'{{"data":{{"db":"{CODED}"}},"kind":"Secret"}}', CODED),
    (f"eyJhbGciOiJIUzI1NiJ9.\neyJzdWIiOiIxMjM0NTY3ODkwIn0.\n{RANDOM}", RANDOM),
    (f"┃ token ┃\n│ {RANDOM} │", RANDOM),
    (f"-[ RECORD 1 ]\nuser | b\npassword | {WORD}", WORD),
    (f"setx TOKEN {RANDOM}", RANDOM),
)
HARMLESS = (
    "PASS src/app.test.js",
    "cat <<< hello1234x of the day",
    "3 LOGIN attempts today",
    "def test_read_format_7zip_packinfo_digests_of_utf8_paths():",
    "kind: SecretStore\ndata:\n  a: b",
    "kind: ConfigMap\ndata:\n  a: b",
    "awk '{print $1$2}' | sort $6",
    'while self.next_token != ";":',
    "pat: the cat, path=/usr/share/patterns/1234567890123456",
)


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_goes_for_its_place_within_other_writing_too(text: str, secret: str) -> None:
    redactor = Redactor()
    for written in (text, f"2026-01-01 10:00:00 INFO shop: {text}", json.dumps({"said": text}, ensure_ascii=False), repr(text)):
        assert secret not in redactor.redact_text(written)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_such_a_place_stays(text: str) -> None:
    assert Redactor().redact_text(text) == text


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_json_within_json(levels: int) -> None:
    text = json.dumps({"a": {"api_key": PASSWORD, "password": WORD}, "b": "kept"})
    for _ in range(levels):
        text = json.dumps(text)
    clean = Redactor().redact_text(text)
    assert WORD not in clean
    assert PASSWORD not in clean
    assert "kept" in clean
