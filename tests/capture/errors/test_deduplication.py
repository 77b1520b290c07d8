"""One exception is reported once, however it is passed on; raised again, or at a higher level, it is reported again."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from statsbot_webhooks.capture.errors.deduplication import SeenExceptions, root_exception

MADE_ONCE = ValueError("made once")


@pytest.fixture
def seen() -> SeenExceptions:
    return SeenExceptions()


def raise_it(error: BaseException) -> None:
    raise error


def test_an_exception_that_is_passed_on_is_the_same(seen: SeenExceptions) -> None:
    answers: list[bool] = []

    def inner() -> None:
        try:
            raise_it(KeyError("k"))
        except KeyError as error:
            answers.append(seen.is_new(error))
            raise

    def outer() -> None:
        try:
            inner()
        except KeyError as error:
            answers.append(seen.is_new(error))
            raise error from None

    try:
        outer()
    except KeyError as error:
        answers += [seen.is_new(error), seen.is_new(error)]
    assert answers == [True, False, False, False]


def test_the_same_object_raised_again_is_reported_again(seen: SeenExceptions) -> None:
    answers: list[bool] = []
    for _ in range(300):
        try:
            raise_it(MADE_ONCE)
        except ValueError as error:
            answers += [seen.is_new(error), seen.is_new(error)]
    assert answers == [True, False] * 300


def test_the_same_object_without_its_traceback_raised_again_is_a_repeat(seen: SeenExceptions) -> None:
    answers: list[bool] = []
    for _ in range(300):
        try:
            raise MADE_ONCE.with_traceback(None)
        except ValueError as error:
            answers += [seen.is_new(error), seen.is_new(error)]
    assert answers == [True, False] * 300


def test_an_exception_out_of_another_thread_is_passed_on(seen: SeenExceptions) -> None:
    answers: list[bool] = []

    def work() -> None:
        try:
            raise_it(KeyError("k"))
        except KeyError as error:
            answers.append(seen.is_new(error))
            raise

    with ThreadPoolExecutor() as pool:
        future = pool.submit(work)
        for _ in range(2):
            try:
                future.result()
            except KeyError as error:
                answers.append(seen.is_new(error))
    assert answers == [True, False, False]


def test_a_context_manager_that_logs_passes_on(seen: SeenExceptions) -> None:
    answers: list[bool] = []

    @contextlib.contextmanager
    def logged() -> Generator[None]:
        try:
            yield
        except KeyError as error:
            answers.append(seen.is_new(error))
            raise

    def work() -> None:
        with logged():
            raise_it(KeyError("k"))

    try:
        work()
    except KeyError as error:
        answers.append(seen.is_new(error))
    assert answers == [True, False]


def test_one_that_was_logged_before_it_is_raised_is_reported_once(seen: SeenExceptions) -> None:
    error = ValueError("x")
    assert seen.is_new(error)
    try:
        raise_it(error)
    except ValueError:
        assert not seen.is_new(error)


def test_a_report_at_a_higher_level_is_never_hidden(seen: SeenExceptions) -> None:
    error = ValueError("x")
    levels = [logging.WARNING, logging.WARNING, logging.ERROR, logging.WARNING, logging.ERROR, logging.CRITICAL, logging.ERROR]
    assert [seen.is_new(error, level) for level in levels] == [True, False, True, False, False, True, False]


class PaymentError(Exception):
    def __init__(self, original: BaseException) -> None:
        super().__init__("could not be paid")
        self.original = original


class OwnCommandError(commands.CommandError):
    def __init__(self, original: BaseException) -> None:
        super().__init__("own")
        self.original = original


@pytest.mark.parametrize("odd", [None, "yesterday", float("nan"), object(), 10**400])
def test_a_report_at_an_odd_level_hides_no_later_one(seen: SeenExceptions, odd: Any) -> None:
    """A record may have anything for its level."""
    error = KeyError("k")
    assert seen.is_new(error, odd)
    seen.is_new(error, logging.ERROR)
    assert not seen.is_new(error, logging.ERROR)
    assert not seen.is_new(error, odd)


def test_only_wrappers_of_discord_py_are_taken_off() -> None:
    cause = KeyError("k")
    command: Any = app_commands.Command(name="x", description="x", callback=_callback)
    wrapped = commands.HybridCommandError(app_commands.CommandInvokeError(command, cause))
    assert root_exception(wrapped) is cause
    assert root_exception(commands.CommandInvokeError(cause)) is cause
    for own in (PaymentError(cause), OwnCommandError(cause)):
        assert root_exception(own) is own
        assert root_exception(commands.CommandInvokeError(own)) is own


async def _callback(interaction: discord.Interaction) -> None: ...
