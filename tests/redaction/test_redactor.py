"""What the redactor lets through: no secret, and with masking no person."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsbot_webhooks.events.event import Event, EventFile, EventKind, LogLevel, Person
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.value_index import KnownValues

from ..cpu_time import ratio
from .marks import nameless

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDe." + "x1Y2z3_-" * 4 + "abcdef"
HOSTS = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com", "discord.com:443")
SECRETS = st.text("abcXYZ0189-_.~+/=!#%*", min_size=8, max_size=60).filter(lambda text: text[0].isalnum())
FILLER = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def event(message: str = "", **values: object) -> Event:
    return Event(EventKind.LOG, LogLevel.INFO, message, 0.0, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("version", ["", "v10/"])
@pytest.mark.parametrize("tail", ["", "?thread_id=5", "/messages/7", "?wait=true"])
def test_webhook_urls(host: str, version: str, tail: str) -> None:
    for url in (f"https://{host}/api/{version}webhooks/123/s3cr3t-abc{tail}", f"{host}/api/{version}webhooks/123/s3cr3t-abc"):
        for text in (url, url.replace("/", r"\/"), f"POST {url} failed"):
            clean = Redactor().redact_text(text)
            assert "s3cr3t" not in clean
            assert "[redacted: webhook URL]" in clean


@given(FILLER, FILLER)
def test_a_planted_token_never_remains(before: str, after: str) -> None:
    assert TOKEN not in Redactor().redact_text(f"{before} {TOKEN} {after}")


@given(
    FILLER,
    st.sampled_from(["password", "db_password", "PASSWD", "pwd", "token", "access_token", "clientSecret", "X-Api-Key", "apikey"]),
    st.sampled_from(["{k}={v}", "{k}: {v}", '"{k}": "{v}"', "{{'{k}': '{v}'}}", "?{k}={v}&page=2", '{k} = "{v}"']),
    SECRETS,
)
def test_a_planted_value_never_remains(before: str, key: str, shape: str, secret: str) -> None:
    clean = Redactor().redact_text(f"{before}\n{shape.format(k=key, v=secret)} and more")
    assert secret not in clean.removeprefix(before)
    assert "and more" in clean


@pytest.mark.parametrize("secret", ["p@ss,word", 'ab"cd', "a;b", "x)y", "a&b", "p)]x"])
def test_no_half_of_a_password_remains(secret: str) -> None:
    assert nameless(Redactor().redact_text(f"password={secret} ok")) == "password=[redacted] ok"


@pytest.mark.parametrize("value", ["Bearer abc.def", "Bot abc", f"Bot {TOKEN}", "Basic dXNlcg=="])
def test_authorization(value: str) -> None:
    assert nameless(Redactor().redact_text(f"Authorization: {value}")) == "Authorization: [redacted]"
    assert "abc" not in Redactor().redact_text(f'{{"authorization": "{value}"}}')


@pytest.mark.parametrize(
    "text", ["tokens_used=5", "max_tokens: 100", "author: anna", "authors=3", "file.name.txt", "1.2.3", "pass the salt"]
)
def test_harmless_text_stays(text: str) -> None:
    assert Redactor().redact_text(text) == text


@given(st.text("pasword=tken:\"'[]redact, ", max_size=120))
def test_twice_is_once(text: str) -> None:
    once = Redactor().redact_text(text)
    assert Redactor().redact_text(once) == once


def test_every_string_of_an_event() -> None:
    secret = "hunter2-hunter2"
    text = f"password={secret}"
    deep = {"a": [{"db_password": secret, "list": [text, {"token": 12345678}]}], text: 1, "tokens_used": 5}
    clean = Redactor().redact(event(text, template=text, origin=text, context=deep, traceback=f"x\n  login({text})\n"))
    assert secret not in repr(clean)
    assert "12345678" not in repr(clean)
    assert clean.context["tokens_used"] == 5


def test_tracebacks_can_be_left_out() -> None:
    assert Redactor(include_stack_traces=False).redact(event(traceback="Traceback ...")).traceback is None
    assert Redactor().redact(event(traceback="Traceback ...")).traceback == "Traceback ..."


def test_persons_become_stable_pseudonyms() -> None:
    anna, bob = Person(111111111111111111, ("anna", "Anna B.")), Person(222222222222222222, ("user", "太郎"))
    text = "anna (111111111111111111) and <@!222222222222222222> 太郎が参加, user, Anna B. <@333333333333333333> annabel"
    context = {"user_id": 111111111111111111, "author": {"name": "zoe"}, "username": "kim", "n": [222222222222222222]}
    redactor = Redactor(mask_user_ids=True, mask_key=b"k")
    clean = redactor.redact(event(text, context=context, persons=(anna, bob)))
    shown = repr(clean)
    for part in ("1111111", "2222222", "3333333", "anna ", "Anna", "太郎", "zoe", "kim"):
        assert part not in shown, part
    assert "annabel" in clean.message
    words = clean.message.split()
    assert words[0] == words[1].strip("()") == clean.context["user_id"]
    assert words[3] == clean.context["n"][0]
    assert clean == redactor.redact(event(text, context=context, persons=(anna, bob)))
    assert Redactor(mask_user_ids=True).redact(event("<@333333333333333333>")) != Redactor(mask_user_ids=True).redact(
        event("<@333333333333333333>")
    )


def test_ids_stay_without_masking() -> None:
    assert Redactor().redact(event("<@111111111111111111> anna")).message == "<@111111111111111111> anna"


@pytest.mark.parametrize(
    "piece", ["password=", 'token="', "a.", "x" * 40 + ".", "bearer ", "token=bearer  ", ",", "secret,,", "<@1"]
)
def test_time_is_linear(piece: str) -> None:
    redactor = Redactor(mask_user_ids=True)

    def read(size: int) -> None:
        redactor.redact(event(piece * (size // len(piece))))

    # Quadratic would be 256 times.
    assert ratio(lambda: read(256_000), lambda: read(16_000), 80, rounds=1) < 80


def test_a_picture_stays_whole_unless_text_in_it_is_a_secret() -> None:
    """Packed bytes look like anything: 200 random pictures, none of which holds a text."""
    numbers = random.Random(4)
    redactor = Redactor(secrets=["correct-horse-battery"])
    for _ in range(200):
        picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + numbers.randbytes(20_000)
        event = Event(EventKind.LOG, LogLevel.INFO, "a chart", 0.0, files=(EventFile("chart.png", data=picture),))
        assert redactor.redact(event).files[0].data == picture
    labelled = b"\x89PNG\r\n\x1a\n\0\0\0\0tEXtComment\0by correct-horse-battery\0\0" + numbers.randbytes(2000)
    event = Event(EventKind.LOG, LogLevel.INFO, "a chart", 0.0, files=(EventFile("chart.png", data=labelled),))
    assert b"correct-horse" not in redactor.redact(event).files[0].data


def test_an_event_without_secrets_is_handed_on_as_it_is() -> None:
    redactor = Redactor(secrets=["Zx81-planted-Secret"])
    for message in ("order 4711 of customer 81", "cache miss for key guild:112233445566778899", "grün 🎉"):
        calm = event(message, origin="shop.orders", context={"where": "shop/orders.py:81", "guild": {"id": 112233445566778899}})
        assert redactor.redact(calm) is calm


@pytest.mark.parametrize(
    "secret", ["Zx81-planted-Secret", "ghp_" + "x1Y2z3a4B5" * 4, "password=hunter2-x", "\x1b[1mpass\x1b[0mword=hunter2-x"]
)
def test_a_secret_is_found_in_each_text_of_an_event(secret: str) -> None:
    fields: list[dict[str, object]] = [
        *({name: secret} for name in ("message", "template", "origin", "title", "card", "traceback", "avatar_url")),
        *({"context": context} for context in ({"a": secret}, {"a": {"b": secret}}, {"a": [secret]}, {secret: 1})),
        *({"facts": facts} for facts in ({"type": "x", "a": secret}, {"type": "x", "rows": [{"a": secret}]})),
        {"persons": (Person(1, ("anna", secret)),)},
    ]
    redactor = Redactor(secrets=["Zx81-planted-Secret"])
    for values in fields:
        # Twice: texts that were clean before are not looked at again.
        for _ in range(2):
            shown = repr(redactor.redact(event(**({"message": "calm", "origin": "shop"} | values))))  # type: ignore[arg-type]
            assert "hunter2-x" not in shown
            assert "x1Y2z3a4B5" not in shown
            assert "Zx81" not in shown


def test_a_value_that_becomes_known_later_is_found_in_a_text_that_was_clean() -> None:
    redactor = Redactor()
    calm = event("calm", context={"a": "Zx81-planted-Secret"})
    assert redactor.redact(calm) is calm
    redactor.add_secrets(["Zx81-planted-Secret"])
    assert "Zx81" not in repr(redactor.redact(calm))


@pytest.mark.parametrize("when", range(1, 9))
def test_a_value_that_becomes_known_during_a_redaction_is_found_at_once(monkeypatch: pytest.MonkeyPatch, when: int) -> None:
    """Another thread adds it at the nth look into the known values; what was remembered of that redaction does not count."""
    redactor, looked, redact = Redactor(), 0, KnownValues.redact
    secret = "Zx81-planted-Secret"
    busy = event(f"m {secret}", origin=secret, context={"password": "hunter2", secret: secret}, persons=(Person(1, (secret,)),))

    def look(values: KnownValues, data: bytes, mark: bytes) -> tuple[bytes, int]:
        nonlocal looked
        looked += 1
        found = redact(values, data, mark)
        if looked == when:
            redactor.add_secrets([secret])
        return found

    monkeypatch.setattr(KnownValues, "redact", look)
    clean = redactor.redact(busy)
    assert (secret in repr(clean)) == (looked < when)
    redactor.add_secrets([secret])
    assert secret not in repr(redactor.redact(busy))


def test_values_that_are_added_by_many_threads_are_all_known() -> None:
    redactor = Redactor()
    values = [f"Zx81-planted-{number}-Secret" for number in range(400)]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda value: redactor.add_secrets([value]), values))
    finally:
        sys.setswitchinterval(switch)
    assert "Zx81" not in redactor.redact_text(" ".join(values))


@pytest.mark.parametrize("label", ["name", "key"])
def test_a_value_beside_the_name_of_a_secret_goes(label: str) -> None:
    field = {label: "password", "value": "open sesame", "page": 2}
    for context in (field, {"deep": field}, {"fields": [field]}, {"fields": ({"a": field},)}):
        for each in (event("m", context=context), event("m", facts=context), event("m", context=context, traceback="t")):
            assert "open sesame" not in repr(Redactor().redact(each))
    plain = event("m", context={label: "colour", "value": "open sesame"})
    assert Redactor().redact(plain) == plain


def test_what_was_found_is_counted() -> None:
    redactor = Redactor(secrets=["Zx81-planted-Secret"])
    redactor.redact_text("a Zx81-planted-Secret and Zx81-planted-Secret b")
    assert redactor.counts == {"known value": 2}
