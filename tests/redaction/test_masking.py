"""Persons are hidden whichever way they are named, and always under one name; ids of other things stay."""

from __future__ import annotations

import html
import json
import unicodedata
from typing import Any
from urllib.parse import quote

import pytest

from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.masking import MaskLevel
from statsbot_webhooks.redaction.redactor import Redactor

ANNA, OTHER = 111111111111111111, 999999999999999999
RENÉ = Person(ANNA, ("René Müller", "anna"))
REDACTOR = Redactor(mask_user_ids=True, mask_key=b"k")
NAME = REDACTOR.pseudonym(ANNA)


def masked(text: str = "", persons: tuple[Person, ...] = (RENÉ,), **values: Any) -> Event:
    return REDACTOR.redact(Event(EventKind.LOG, LogLevel.INFO, text, 0.0, persons=persons, **values))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Could not message {}",
            "DM'd message {} failed",
            "executing command {}",
            "kicked from server {}",
            "application {} accepted",
        ),
        *(
            "role {}",
            "channel={}",
            "/channels/@me/{}",
            "thread: {}",
            "guild_id={}",
            "<#{}>",
            "webhook {}",
            "<@{}>",
            "<@!{}>",
            "{}",
        ),
        *("user_{}.json", "avatar_{}", "{}_avatar.png", "cache.{}.lock", "id{}", "/avatars/{}/a.png", "x{}x", "[{}]"),
    ],
)
def test_a_known_person_is_masked_behind_any_word(text: str) -> None:
    shown = masked(text.format(ANNA)).message
    assert str(ANNA) not in shown
    assert NAME in shown


@pytest.mark.parametrize(
    "text",
    ["Could not message {}", "user_{}.json", "avatar_{}", "{}_avatar.png", "cache.{}.lock", "id{}", "banned {}", "command {}"],
)
def test_an_id_that_nobody_named_is_masked(text: str) -> None:
    assert str(OTHER) not in masked(text.format(OTHER), ()).message


@pytest.mark.parametrize(
    "text",
    [
        *(
            "<#{}>",
            "<@&{}>",
            "<:smile:{}>",
            "</ban:{}>",
            "guild {}",
            "channel={}",
            "guild_id: {}",
            "role {}",
            "/channels/{}/5",
            "emoji {}",
        ),
        *("message id {}", "0.{}", "'guild': {}", "in channel #{}", "server ({})"),
    ],
)
def test_ids_of_other_things_stay(text: str) -> None:
    assert masked(text.format(OTHER), ()).message == text.format(OTHER)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_masked_however_it_is_spelled(form: str) -> None:
    name = unicodedata.normalize(form, "René Müller")
    spellings = [
        name,
        name.upper(),
        name.lower(),
        json.dumps(name),
        json.dumps(json.dumps(name)),
        quote(name),
        quote(name, safe=""),
        quote(name.upper()),
        json.dumps(name.upper()),
    ]
    spellings += [repr(name), ascii(name), html.escape(name), name.replace(" ", "+"), repr(name.encode())]
    # HTML without letters beyond ASCII.
    spellings += [name.replace(" ", sign) for sign in "_-\u00a0"]
    spellings += [name.encode("ascii", "xmlcharrefreplace").decode(), "Ren&eacute; M&uuml;ller", "Ren&#xe9; M&#xfc;ller"]
    for spelling in spellings:
        shown = masked(f"hello {spelling}, welcome").message
        assert NAME in shown, spelling
        assert "ren" not in shown.lower()
        assert "ller" not in shown.lower()


def test_the_rest_of_a_text_keeps_its_case() -> None:
    assert masked("ANNA Says Hello To <:Smile:123456789012345678>").message == f"{NAME} Says Hello To <:Smile:123456789012345678>"


def test_a_person_has_one_name_in_a_mapping() -> None:
    context = {
        "user_id": OTHER,
        "username": "kim",
        "author": {"id": OTHER, "username": "kim"},
        "count": OTHER,
        "ids": [OTHER, str(OTHER)],
        "guild_id": 222222222222222222,
        "small": 12345678,
    }
    shown = masked("kim wrote", (), context=context, guild_id=333333333333333333)
    called = REDACTOR.pseudonym(OTHER)
    assert shown.message == f"{called} wrote"
    assert shown.context["user_id"] == shown.context["username"] == shown.context["count"] == called
    assert shown.context["ids"] == [called, called]
    assert shown.context["author"] == called
    assert shown.context["guild_id"] == 222222222222222222
    assert shown.context["small"] == 12345678


def test_files_that_are_not_utf8() -> None:
    text = f"{ANNA} joined, password=hunter2-hunter".encode("latin-1") + b"\xe9\xff"
    picture = b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe" + bytes(range(256))
    files = masked(files=(EventFile(f"{ANNA}.txt", "", text), EventFile("a.png", "", picture))).files
    assert str(ANNA).encode() not in files[0].data
    assert b"hunter2" not in files[0].data
    assert str(ANNA) not in files[0].name
    assert files[1].data == picture
    older = masked(
        persons=(Person(ANNA, ("René Müller",)),), files=(EventFile("a.txt", "", "café: René Müller".encode("cp1252")),)
    )
    assert older.files[0].data == f"café: {NAME}".encode("latin-1")
    wide = masked(files=(EventFile("a.txt", "", "password=hunter2-hunter".encode("utf-16")),)).files[0].data
    assert b"h\x00u\x00n" not in wide


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("name", ["René Müller", "anna", "日本太郎"])
def test_persons_in_files_of_other_encodings(encoding: str, name: str) -> None:
    for text in (f"{name} joined, café {ANNA}", f"{name}\n" * 9 + "é", f"x{ANNA}é"):
        data = text.encode(encoding, "replace")
        shown = masked(persons=(Person(ANNA, (name,)),), files=(EventFile("a.txt", "", data + b"\xff\xfe"),)).files[0].data
        assert str(ANNA) not in shown.decode(encoding, "replace")
        assert name not in shown.decode(encoding, "replace")


def test_an_id_is_masked_in_whatever_number_it_is() -> None:
    context = {
        "a": ANNA,
        "b": -ANNA,
        "c": float(ANNA),
        "d": [-float(ANNA), {"e": ANNA}],
        "channel_id": ANNA,
        "guild_name": f"of {ANNA}",
    }
    clean = masked("m", context=context).context
    assert "1111111111" not in repr(clean).replace(".", "")
    assert clean["a"] == clean["c"] == clean["channel_id"] == NAME


def test_an_id_that_was_a_float_on_its_way_is_masked() -> None:
    clean = masked("m", (), context={"value": float(OTHER), "list": [float(OTHER)], "ratio": 1.5, "count": 1e9})
    assert str(OTHER)[:12] not in repr(clean.context).replace(".", "")
    assert (clean.context["ratio"], clean.context["count"]) == (1.5, 1e9)


def test_a_secret_beside_a_person_is_redacted_and_a_name_beside_a_secret_is_masked() -> None:
    for called in ("René Müller", "bert"):
        for key in ("user", "member", "author", "note"):
            shown = repr(masked("m", context={key: f"{called} password=hunter2-x"}).context)
            assert "hunter2" not in shown
            assert "bert" not in shown or key == "note"
            assert "Müller" not in shown


def test_the_level_ids_keeps_names_in_every_field() -> None:
    redactor = Redactor(mask_level=MaskLevel.IDS, mask_key=b"k")
    context = {
        "username": "anna",
        "user": {"id": ANNA, "name": "anna"},
        "moderator": "bob",
        "user_id": ANNA,
        "ids": [ANNA, float(OTHER)],
    }
    clean = redactor.redact(Event(EventKind.LOG, LogLevel.INFO, f"<@{ANNA}> is anna", 0.0, persons=(RENÉ,), context=context))
    assert (clean.context["username"], clean.context["moderator"], clean.message) == ("anna", "bob", f"{NAME} is anna")
    assert str(ANNA) not in repr(clean)
    assert redactor.name_of(ANNA, "anna") == "anna"
    assert REDACTOR.name_of(ANNA, "anna") == NAME
    assert Redactor(mask_key=b"k").name_of(ANNA, "anna") == "anna"


def test_of_two_persons_of_one_name_the_id_beside_it_says_which() -> None:
    both = (Person(ANNA, ("anna",)), Person(OTHER, ("Anna", "ann")))
    first, second = REDACTOR.pseudonym(ANNA), REDACTOR.pseudonym(OTHER)
    clean = masked(f"<@{ANNA}> anna was banned by anna ({OTHER}), {OTHER} anna", both)
    assert clean.message == f"{first} {first} was banned by {second} ({second}), {second} {second}"
    context = {
        "user_id": ANNA, "username": "anna", "moderator_id": OTHER, "moderator": "Anna", "moderator_name": "ann",
        "target": {"id": OTHER, "username": "anna"},
    }  # fmt: skip
    shown = masked("m", both, context=context).context
    assert (shown["username"], shown["moderator"], shown["moderator_name"], shown["target"]) == (first, second, second, second)
    # Without an id beside it, it is one of them.
    assert masked("anna left", both).message in (f"{first} left", f"{second} left")
