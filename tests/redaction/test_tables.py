"""Columns below the names of secrets go; the rest of a table, and what is no table, stays."""

from __future__ import annotations

import pytest

from statsbot_webhooks.redaction.redactor import Redactor

MARK = "[redacted: column of secrets]"
TABLES = (
    ("user,password\nbob,wanderlust\neve,x", f"user,password\nbob,{MARK}\neve,{MARK}"),
    ("app: user;password;age\nbob;wanderlust;7\n", f"app: user;password;age\nbob;{MARK};7\n"),
    ("| user | password |\n|---|---|\n| bob | wanderlust |\ndone", f"| user | password |\n|---|---|\n| bob | {MARK} |\ndone"),
    (
        " user | password \n------+----------\n bob  | wanderlust\n(1 row)",
        f" user | password \n------+----------\n bob  | {MARK}\n(1 row)",
    ),
    ("USER     PASSWORD     AGE\nbob      wanderlust   7\n", f"USER     PASSWORD     AGE\nbob      {MARK}   7\n"),
    (
        "│ user │ password │\n├──────┼──────────┤\n│ bob │ wanderlust │",
        f"│ user │ password │\n├──────┼──────────┤\n│ bob │ {MARK} │",
    ),
    ("[['user', 'password'], ['bob', 'h7Kq-Zp3mX9w']]", f"[['user', 'password'], ['bob', {MARK}]]"),
    ("'user,password\\nbob,wanderlust'", f"'user,password\\nbob,{MARK}'"),
    # A traceback of loguru or better_exceptions points at the names in the source line.
    (
        "    open(user, password + cfg.token)\n         │     │          │   └ 'Xk39dkfj3kdk39dkd'"
        "\n         │     │          └ <Config>"
        "\n         │     └ 'wanderlust'\n         └ 'anna'\n",
        f"    open(user, password + cfg.token)\n         │     │          │   └ {MARK}"
        "\n         │     │          └ <Config>"
        f"\n         │     └ {MARK}\n         └ 'anna'\n",
    ),
    (
        "    open(password + user)\n         |          -> 'anna'\n         -> 'wanderlust'\n",
        f"    open(password + user)\n         |          -> 'anna'\n         -> {MARK}\n",
    ),
)
NO_TABLES = (
    "the user, a password, or nothing\nof these, of those, or any",
    "    'username', 'password',\n    'first', 'last',",
    "key,count\nalpha,17\nbeta,18",
    "token   state\nstarted at noon",
    "user,password_reset\nbob,yes",
)


@pytest.mark.parametrize(("text", "clean"), TABLES)
def test_columns_of_secrets_go(text: str, clean: str) -> None:
    assert Redactor().redact_text(text) == clean


@pytest.mark.parametrize("text", NO_TABLES)
def test_what_is_no_table_stays(text: str) -> None:
    assert Redactor().redact_text(text) == text


@pytest.mark.parametrize("before", ["", "the key of it\n" * 100])
def test_a_long_table_goes_whole(before: str) -> None:
    rows = [f"bob,wander{number}\n" for number in range(1150)]
    clean = Redactor().redact_text(before + "user,password\n" + "".join(rows))
    assert clean == before + "user,password\n" + "".join(f"bob,{MARK}\n" for _ in range(1150))
