"""What `make lower-bounds` installs is what setup.cfg promises to work with."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (ROOT / "setup.cfg").exists(), reason="the tests of an installed wheel have no setup.cfg beside them")
def test_each_lower_bound_is_in_the_file() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    extras = [value for key, value in parser["options.extras_require"].items() if key != "dev"]
    lines = [line for line in "\n".join([parser["options"]["install_requires"], *extras]).splitlines() if line.strip()]
    wanted = dict(re.findall(r"^([\w.-]+)>=([\d.]+)", "\n".join(lines), re.MULTILINE))
    assert len(wanted) == len(set(lines))
    text = (ROOT / ".ci" / "lower-bounds.txt").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==([\d.]+)$", text, re.MULTILINE))

    def parts(version: str) -> tuple[int, ...]:
        numbers = [int(number) for number in version.split(".")]
        return tuple(numbers + [0] * (4 - len(numbers)))

    assert {name: parts(version) for name, version in pinned.items()} == {name: parts(v) for name, v in wanted.items()}
