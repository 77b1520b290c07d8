"""The large patterns are made on the intake's thread: not by an import, and not by the first text of an event loop."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Prints how many characters of patterns an import compiles, `warm_up` compiles, and texts compile after it.
SCRIPT = """
import re
total, compile = 0, re.compile
def noted(pattern, flags=0):
    global total
    total += len(pattern)
    return compile(pattern, flags)
re.compile = noted
def took():
    global total
    found, total = total, 0
    return found
import statsbot_webhooks.cog
print(took())
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.rules import warm_up
thread = warm_up()
assert thread is not None
thread.join()
print(took())
redactor = Redactor(secrets=["Zx81-planted-Secret"])
took()
for text in ("password=hunter2 --token abcd1234 of the long_name_of_a_function at hooks.slack.com/x", "key " * 50):
    redactor.redact_text(text)
print(took())
"""


@pytest.mark.slow
def test_no_large_pattern_is_made_by_an_import_or_after_warming_up() -> None:
    answer = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    by_import, by_warm_up, by_texts = map(int, answer.stdout.split())
    assert by_import < 40_000
    assert by_warm_up > 5000
    assert by_texts == 0
