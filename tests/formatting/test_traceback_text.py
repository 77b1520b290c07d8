"""Tracebacks as a card shows them: what to look at in full, the rest in one line each."""

from __future__ import annotations

import traceback

from statsbot_webhooks.formatting.traceback_text import shorten_traceback

CHAIN = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/discord/ext/commands/core.py", line 266, in wrapped
    ret = await coro(*args, **kwargs)
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/asyncio/tasks.py", line 2, in step
    pass
> File "/app/bot.py", line 62, in divide
    quotient(1, 0)
> File "/app/cogs/shop.py", line 65, in quotient
    return first / second
           ~~~~~~^~~~~~~~
  [Previous line repeated 3 more times]
  File "/venv/lib/python3.11/site-packages/aiohttp/client.py", line 1, in get
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/discord/client.py", line 5, in run
  File "/venv/lib/python3.11/site-packages/discord/http.py", line 66, in request
    raise Forbidden
Forbidden: 403
  with a second line"""
SHORT = """Traceback (most recent call last):
  ... 2 frames of discord.py, Python
> File "bot.py", line 62, in divide
    quotient(1, 0)
> File "cogs/shop.py", line 65, in quotient
    return first / second
           ~~~~~~^~~~~~~~
  [Previous line repeated 3 more times]
  ... 1 frame of aiohttp
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  ... 1 frame of discord.py
  File "discord/http.py", line 66, in request
    raise Forbidden
Forbidden: 403
  with a second line"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/usr/lib/python3.11/asyncio/tasks.py", line 2, in step
  |     pass
  | > File "/app/bot.py", line 62, in divide
  |     raise
  | ExceptionGroup: a (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    | > File "/elsewhere/x.py", line 62, in divide
    |     1/0
    | ZeroDivisionError: division by zero
    +------------------------------------"""


def test_library_frames_are_folded_and_own_frames_stay_whole() -> None:
    assert shorten_traceback(CHAIN, "/app") == SHORT


def test_a_group_keeps_its_margin() -> None:
    lines = shorten_traceback(GROUP, "/app").splitlines()
    assert lines[1:4] == ["  |   ... 1 frame of Python", '  | > File "bot.py", line 62, in divide', "  |     raise"]
    assert '    | > File "/elsewhere/x.py", line 62, in divide' in lines


def test_the_message_of_an_exception_is_left_alone() -> None:
    try:
        raise ValueError('two lines\n  File "/usr/lib/python3/x.py", line 1, in y')
    except ValueError:
        text = traceback.format_exc().replace('  File "', '> File "', 1)
    assert shorten_traceback(text).splitlines()[-2] == "ValueError: two lines"


def test_paths_are_relative_to_their_own_root_only() -> None:
    assert shorten_traceback('> File "/app2/bot.py", line 1, in f', "/app") == '> File "/app2/bot.py", line 1, in f'
    assert shorten_traceback(r'> File "C:\bot\cogs\a.py", line 2, in g', r"C:\bot") == r'> File "cogs\a.py", line 2, in g'
