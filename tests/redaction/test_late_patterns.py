"""Patterns that wait for their first use."""

from __future__ import annotations

import re
import subprocess
import sys

from statsbot_webhooks.redaction.late_patterns import BuiltPattern, LatePattern, late


def test_a_late_pattern_does_what_a_pattern_does_from_its_first_use_on() -> None:
    pattern = late(r"(?P<word>[a-z]+)\d", re.I)
    made: object = pattern
    assert type(made) is LatePattern
    assert pattern.sub(r"\g<word>", "Ab1 c2") == "Ab c"
    assert type(made) is BuiltPattern
    built = re.compile(r"(?P<word>[a-z]+)\d", re.I)
    assert [found["word"] for found in pattern.finditer("Ab1 c2")] == ["Ab", "c"]
    assert (pattern.pattern, pattern.flags, dict(pattern.groupindex)) == (built.pattern, built.flags, {"word": 1})


def test_the_import_compiles_none_of_them() -> None:
    code = """
import statsbot_webhooks
from statsbot_webhooks.redaction.late_patterns import LatePattern, all_patterns
print(len(all_patterns) > 100, all(type(pattern) is LatePattern for pattern in all_patterns))
from statsbot_webhooks.redaction.rules import warm_up
thread = warm_up()
assert thread is not None
thread.join()
print(any(type(pattern) is LatePattern for pattern in all_patterns))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False"]
