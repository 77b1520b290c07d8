"""Secrets in surroundings that an attacker, or a careless log line, puts them in; and texts that only resemble these."""

from __future__ import annotations

import html
import json
import random
import string
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from statsbot_webhooks.redaction.redactor import Redactor

# A line each: a text, and what of it must not be seen.
LINES = (Path(__file__).parents[1] / "data/secrets_in_surroundings.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [tuple(json.loads(line)) for line in LINES]
HARMLESS = (
    "returned status code 200 for the login code path",
    "a security code review of 2024 is done",
    "INSERT INTO users (name, tokens_used) VALUES ('bob', 17)",
    "INSERT INTO users (name, password) VALUES (?, ?)",
    "exit code=137, error_code=E42",
    "the session was saved\nworker-3 took 12 jobs",
    "Password for bob: must be changed within 7 days",
    "token={token} password={password}",
    "see man3/putgrent.3\nman3/getspent.3",
    "identified by its name, identified as 'bob'",
    "/reset-password/confirm and /password/change",
    "name: password\ndescription: what the user types",
    '<label for="password">Password</label>',
    "password for bob (admin): is missing",
    "shard-3 of node-12-abc took key Alpha-Beta-2",
    "password=$1, password = ?, password=${{ secrets.PW }}",
    "cardinality 4012888888881881 of the master branch 4012888888881881",
    "charge of battery: 4012888888881881 mAh",
    "the community: many Python developers, community-driven",
    "grep -c error app.log -A 3",
    "if self.auth_token:\n            data = adapter.fetch_webhook(self.id)",
    "it took 334 \nand then more",
    "wrong password 3 attempts remaining",
    "password: # is asked for\nuser: bob",
    "token={'expires': 'tomorrow', 'value': None}",
    "password: This field may not be blank.\ntoken: field required (type=value_error.missing)",
    '{"password": ["This field is required."], "token": [ErrorDetail(string=\'This field is required.\', code=\'required\')]}',
    '"password": "Passwort", "forgot_password": "Forgot your password?", "password2": "The password is wrong."',
    "token_type=bearer expires_in=3600",
    "def login(token: Optional[str] = None, password: Annotated[str, Form()] = None)",
    'password = input("Enter password: ")',
    "password: ~\nsecret: enabled",
    "UPDATE users SET password=:password, token = :new_token",
    "api_key=YOUR_API_KEY token: your-token-here",
    "existingSecret: shop-db, credentials: include, cookies: enabled, last_password_change: 2026-03-01",
    "GOOGLE_APPLICATION_CREDENTIALS=/etc/shop/gcp.json",
    "-u, --user <user:password>  Server user and password",
    "docker run -p 8080:80 nginx; docker compose -p shop2 up; podman run -p 127.0.0.1:80:80/tcp nginx",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
    "password=SecretStr('**********')",
    "$password = $_POST['password']; $token = $this->token;",
    'let token = env::var("TOKEN")?;',
    "db.internal:5432:shop:app:*",
    "login from host12.example.org, login user:anna1990, login service:v2-web",
    "the key is guild-482915-members, pass is 3of5, token was given: yes, password: was generated",
    "mysql> SELECT password\n    -> FROM users12\n    -> WHERE id = 'a1b2c3d4'",
    "jest: PASS src/app2.test.js\nPASS tests/unit3.py",
    "ENV NODE_VERSION 20.1.0\nsetx PATH2 x1",
    *(
        f"the password is {words}"
        for words in (
            *(
                "wrong.",
                "correct",
                "too short!",
                "required",
                "stored hashed",
                "case sensitive",
                "never logged",
                "the same as before",
            ),
            *("checked against the directory", "not set", "incorrect", "secure", "invalid", "empty", "missing", "hidden", "okay"),
            *(
                "weak",
                "stronger now",
                "kept in the vault of the team",
                "alphanumeric",
                "sent by mail to the owner",
                "in the safe",
            ),
        )
    ),
    "secrets:\n  db_password:\n    file: ./db.txt\n  external: true\n",
    "password = var.db_password\nsecret = random_password.db.result\n+ master_password = (sensitive value)\nsecret_arn = "
    "(known after apply)",
    "data.aws_secretsmanager_secret.db: Reading...",
    "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd, password: file:/run/secrets/db, token: env:APP_TOKEN, pw: op://vault/db/pw",
    "password: !secret wifi_password\napi_key: !secret owm_key",
    "password: @Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/db)",
    "bos_token: <s>, eos_token=</s> pad_token=[PAD] end_token=<|endoftext|>",
    '"GET /search?q=how+to+reset+password HTTP/1.1" 200\nPUT /api/v1/users/3/password HTTP/1.1',
    "openssl req -new -key server.key -out server.csr -nodes -subj /CN=x1",
    "passwd: Authentication token manipulation error",
    "password=`pass show db`",
    '<Password></Password><property name="password"><ref bean="pw1"/></property>',
    '<string name="forgot_password">Forgot password?</string>',
    'keyring.get_password("shop", "anna12") make_password("password")',
    "ssh.connect(host, username=user, password=pw)",
    "fortune cookie: patience wins",
    'TOKENRE: Final[Pattern[str]] = re.compile(f"[0-9A-Za-z{_TCHAR_SPECIALS}]+")',
    "if cookie.value and cookie.coded_value[0] == '\"':",
    "commit as passed12 to git@github.com:team/app2.git, host.example.org:8080, anna@shop.org: ok",
    'send "hello\\n" to the auth user:anna1990, digest algorithm sha256:abc12345',
    '<a accesskey="p" href="index.html">Up</a>, "cookie": "🍪", "secret": "㊙"',
    "2026-05-09 07:29:21 status installed python3-jwt:all 2.6.0-1",
    "token = Name.Builtin\nif token == Literal and value == '}':\nwhile self.next_token_ == \"ADJUST_BY\":",
    "return cls(data, session, token=bot_token, secret=other.secret, token=state.http.token, api_key=self_api_key)",
    "token: Optional[:class:`str`]\npassword: (bool, optional): Hide typed text.\nTToken = tuple[int, str]",
    'password = password.encode("latin1")',
    "via the --username and --password options, the token is *not* stored",
    "#  pass to modnames2paths:",
    # Of Postfix, Exim, Dovecot, Roundcube, Sendmail, monit and ZooKeeper.
    "postfix/smtpd[1]: lost connection after AUTH from unknown[192.0.2.11]",
    "improper command pipelining after AUTH from unknown[1.2.3.4]: QUIT",
    "535 Incorrect authentication data (set_id=uaf589@example.com)",
    "dovecot: auth: ldap(user@server.org,192.168.178.25,<LZmGp6mZaMrAqLIZ>): unknown user",
    "IMAP Error: Login failed for admin from 1.2.3.4. AUTHENTICATE PLAIN: Authentication failed. in /usr/share/x.php on line 193",
    "sm-mta[6]: 14NNwa: AUTH failure (DIGEST-MD5): user not found (-20) SASL(-13)",
    "access denied -- client 1.2.3.4: wrong password for user 'test2'",
    "proftpd-basic 1.3.5~rc3-2.1 on Debian",
    "session termination for sessionid: 0x14ede63a5a70002,E38,Processed session",
    "mutation login($email: String!, $password: String!)",
    "密码是必填项, パスワードは必須です",
    "identify via /msg NickServ identify <password>.",
    '"AUTH" "(redacted)"',
    "la password è errata",
    "cat > notes <<EOF\nit is 12:30\nEOF",
    "echo done > result.txt; printf '%s' a1b2c3 > id.txt",
)


def test_there_are_many() -> None:
    assert len(CASES) > 300


# Long texts are searched in another way.
LOG = "\n".join(f"line {number} of a log: done" for number in range(200))


@pytest.mark.parametrize("around", ["{}", "before {}", "a line\n{}\nanother", f"{LOG}\n{{}}\n{LOG}"])
def test_a_secret_is_found(around: str) -> None:
    redactor = Redactor()
    assert not [text for text, secret in CASES if secret not in text]
    assert not [text for text, secret in CASES if secret in redactor.redact_text(around.format(text))]


def test_a_password_of_any_signs_goes_whole() -> None:
    rng, redactor = random.Random(9), Redactor()
    signs = string.ascii_letters + string.digits + "!#$%&()*+,-./:;<=>?@[]^_{|}~"
    quoted = ('{"password": "%s"}', "login(password='%s')", 'password="%s"', "tool --password '%s' --x", "['--password', '%s']")
    bare = ("password=%s", "DB_PASSWORD=%s ok", "Password: %s", "[db]\npassword = %s\nuser = x", "tool --password %s --x")
    left: list[str] = []
    for text in (*quoted, *bare) * 60:
        password = "".join(rng.choices(signs, k=16))
        clean = redactor.redact_text(text % password)
        if any(password[at : at + 6] in clean for at in range(4, 11)):
            assert text in bare
            left.append(text % password)
    # A bracket, a mark of a placeholder or the next name may begin one that is not quoted.
    assert len(left) < 12, left


# A text with a password, and how the password is spelled there.
ESCAPED: dict[str, Callable[[str], tuple[str, str]]] = {
    "JSON": lambda key: (json.dumps({"password": key, "n": 1}), json.dumps(key)[1:-1]),
    "JSON in JSON": lambda key: (json.dumps(json.dumps({"password": key})), json.dumps(json.dumps(key))[3:-3]),
    "repr": lambda key: (f"User(id=3, password={key!r}, age=3)", repr(key)[1:-1]),
    "repr of repr": lambda key: (repr(repr({"password": key})), repr(repr(key))[2:-2]),
    "query": lambda key: (f"https://x.org/?a=1&password={quote(key, safe='')}&b=2", quote(key, safe="")),
    "query in query": lambda key: (
        "next=" + quote(f"https://x.org/?password={quote(key, safe='')}&b=2", safe=""),
        quote(quote(key, safe=""), safe=""),
    ),
    "form": lambda key: (f"user=anna&password={quote_plus(key)}", quote_plus(key)),
    "JSON in a query": lambda key: (
        "state=" + quote(json.dumps({"password": key}), safe=""),
        quote(json.dumps(key)[1:-1], safe=""),
    ),
    "JSON in HTML": lambda key: (html.escape(json.dumps({"password": key})), html.escape(json.dumps(key)[1:-1])),
    "XML": lambda key: (f"<password>{html.escape(key)}</password>", html.escape(key)),
    "YAML": lambda key: ("password: '" + key.replace("'", "''") + "'\nuser: x", key.replace("'", "''")),
    "SQL": lambda key: ("UPDATE u SET password = '" + key.replace("'", "''") + "' WHERE id=3", key.replace("'", "''")),
    "address": lambda key: (f"postgres://app:{quote(key, safe='')}@db/x", quote(key, safe="")),
    "CSV": lambda key: ('user,password\nanna,"' + key.replace('"', '""') + '"\n', key.replace('"', '""')),
}


def test_a_password_of_any_signs_goes_however_it_is_escaped() -> None:
    rng, redactor = random.Random(10), Redactor()
    signs = string.ascii_letters + string.digits + "!#$%&()*+,-./:;<=>?@[]^_{|}~\"' "
    left: list[str] = []
    for way in (way for way in ESCAPED.values() for _ in range(40)):
        text, password = way("".join(rng.choices(signs, k=18)).strip() + "1")
        clean = redactor.redact_text(text)
        left += [text for at in range(5, len(password) - 6) if password[at : at + 7] in clean][:1]
    assert len(left) < 4, left


def test_a_private_key_that_was_cut_off_goes_however_its_lines_begin() -> None:
    rng, redactor = random.Random(4), Redactor()
    lines = ["".join(rng.choices(string.ascii_letters + string.digits + "+/", k=64)) for _ in range(12)]
    key = "\n".join(("-----BEGIN RSA PRIVATE KEY-----", *lines))
    for begin in ("> ", "# ", "web-1  | ", "2026-03-01 10:00:00 INFO app: ", "id_rsa:7:", '"'):
        clean = redactor.redact_text("\n".join(begin + line for line in key.split("\n")))
        assert not [line for line in lines if line in clean], begin
    for text in (quote(key, safe=""), quote(quote(key, safe=""), safe=""), key.replace("\n", "#012"), key.replace("\n", "<br>")):
        clean = redactor.redact_text(text)
        assert not [line for line in lines if line[:12] in clean or line[-12:] in clean], text[:60]


def test_what_resembles_them_stays() -> None:
    redactor = Redactor()
    assert {text: redactor.redact_text(text) for text in HARMLESS} == {text: text for text in HARMLESS}


def test_parameters_of_a_statement_are_found_by_the_names_of_its_columns() -> None:
    text = "[SQL: INSERT INTO users (name, api_token, age) VALUES (?, ?, ?)]\n[parameters: ('bob', 'Summer', 7)]"
    assert Redactor().redact_text(text).endswith("[parameters: ('bob', [redacted: password], 7)]")
