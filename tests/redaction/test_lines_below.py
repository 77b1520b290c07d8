"""Secrets on the lines below their name, and what only stands near."""

from __future__ import annotations

import pytest

from statsbot_webhooks.redaction.redactor import Redactor

SECRET = "hunter2 Zx81-planted"


@pytest.mark.parametrize("begin", ["<<EOT", "<<-EOT", "<<~EOT", '<<"EOT"', "<<'EOT'"])
def test_a_here_document_goes_up_to_its_end(begin: str) -> None:
    text = f"password={begin}\n{SECRET}\nand {SECRET}\nEOT\nthe next line"
    clean = Redactor().redact_text(text)
    assert SECRET not in clean
    assert clean.startswith(f"password={begin}\n[redacted: ")
    assert clean.endswith("EOT\nthe next line")
    # As one line, in a dump.
    dumped = Redactor().redact_text(repr(text))
    assert SECRET not in dumped
    assert "the next line" in dumped


def test_a_here_document_of_another_name_stays() -> None:
    text = "cat <<EOT\nsome notes\nEOT\nthe next line"
    assert Redactor().redact_text(text) == text


def test_a_key_of_putty_goes_whole() -> None:
    lines = [
        "PuTTY-User-Key-File-3: ssh-ed25519",
        "Encryption: none",
        "Comment: planted",
        "Public-Lines: 1",
        "AAAAC3NzaC1lZDI1NTE5AAAAIPlanted",
        "Private-Lines: 1",
        "AAAAIAxyzPlantedPrivateKey0123456789",
        "Private-MAC: 0123456789abcdef0123456789abcdef",
    ]
    for line_end in ("\n", "\r\n", "\\n"):
        assert Redactor().redact_text(f"before {line_end.join(lines)}\nafter") == "before [redacted: private key]\nafter"
