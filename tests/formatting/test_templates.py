"""Templates: cards in the user's words, and what is wrong in the file is told by line and variable."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from statsbot_webhooks import LogLevel, MessageFormatter, WebhookConfig, load_webhook_config
from statsbot_webhooks.formatting.templates import load_templates, parse_templates
from statsbot_webhooks.sandbox import Sandbox

from ..conftest import running_manager

EXAMPLE = Path(__file__).parents[2] / "examples/templates.toml"


@pytest.mark.parametrize("use_embeds", [True, False])
async def test_the_example_is_how_cards_look(
    sandbox: Sandbox, env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, use_embeds: bool
) -> None:
    env.setenv("WEBHOOK_TEMPLATES", str(EXAMPLE))
    env.setenv("WEBHOOK_USE_EMBEDS", str(use_embeds))
    async with running_manager(load_webhook_config()) as manager:
        await manager.send_error(
            ValueError("`no` **such** row"), guild="Night Owls", command="/pay", version="1.2", secret_plan="x"
        )
        await manager.send_member_event("join", 204255221017214977, "anna", guild="Night Owls")
        await manager.flush(10)
    (error,), (member,) = sandbox.messages("error"), sandbox.messages("member_events")
    shown = str(error.embeds) + error.content
    for text in ("ValueError: \\`no\\` \\*\\*such\\*\\* row\n-# seen at <t:", "Night Owls", "/pay", "1.2"):
        assert text in (error.embeds[0]["description"] + shown if error.embeds else shown)
    assert "plan" not in shown
    assert "Welcome to Night Owls" in member.text + member.content
    assert "Say hello!" in member.text + member.content
    if use_embeds:
        assert [field["name"] for field in error.embeds[0]["fields"]] == ["Server", "Command", "Version"]
        assert (error.embeds[0]["color"], member.embeds[0]["color"]) == (0xB00020, 0x5865F2)
        assert "fields" not in member.embeds[0]
    assert "WEBHOOK_TEMPLATES" not in caplog.text


BAD = '''
[error]
title = "In $orign"
color = "red"
text = """
$message
costs $ 5
"""

[eror]
title = "x"

[member.join]
titel = "y"
text = "hello $user"

[member.join.fields]
"Who is it" = "$whom"
Age = 3
'''


def test_what_is_wrong_is_told_by_line_and_the_rest_is_used() -> None:
    templates, problems = parse_templates(BAD)
    assert problems == [
        "line 3: 'title' of [error]: $orign is not a variable; did you mean origin?",
        "line 4: 'color' of [error] must be written like \"#E74C3C\"",
        "line 6: 'text' of [error] has a $ that begins no variable; write $$ for a dollar",
        "line 10: [eror] is not a kind of event; did you mean error?",
        "line 14: [member.join] has no setting 'titel'; did you mean title?",
        "line 18: 'Who is it' of [member.join.fields]: $whom is not a variable; there are " + ", ".join(_variables()),
        "line 19: 'Age' of [member.join.fields] must be a text in quotes",
    ]
    message = MessageFormatter(WebhookConfig(), templates=templates).format_member_event("join", 1, "anna", user="Anna *")
    assert message.embeds[0]["description"] == "hello Anna \\*"
    assert message.embeds[0]["title"] == "Member joined"


def _variables() -> tuple[str, ...]:
    return ("kind", "level", "origin", "message", "title", "time", "guild", "channel", "user", "command")


def test_a_file_that_cannot_be_used_leaves_the_built_in_look_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('[error]\ntitle = "never closed\n')
    with caplog.at_level(logging.ERROR):
        formatter = MessageFormatter(WebhookConfig(), templates=load_templates(broken))
        assert not load_templates(tmp_path / "missing.toml").looks
        assert not load_templates(None).looks
    assert formatter.format_log_message(LogLevel.INFO, "hello").embeds[0]["title"] == "INFO"
    assert "not valid TOML: Illegal character '\\n' (at line 2, column 22); the built-in look is used" in caplog.text
    assert "the file cannot be read (No such file or directory)" in caplog.text
    assert len(caplog.records) == 2
