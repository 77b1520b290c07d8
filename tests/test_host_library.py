"""A fork of discord.py that is imported as `discord` too: one sentence says so, at the import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import statsbot_webhooks

ROOT = Path(statsbot_webhooks.__file__).parents[1]
PYCORD = '__title__ = "pycord"\n__version__ = "2.8.1"\n'
OLD = '__title__ = "discord"\n__version__ = "2.3.2"\n'


def import_with(files: dict[str, str], folder: Path) -> str:
    """Import the package where these files are `discord`; returns the last line that Python prints."""
    for name, text in files.items():
        path = folder / "discord" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    code = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]; import statsbot_webhooks"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "During handling" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"__init__.py": PYCORD, "ext/commands.py": "", "ui.py": ""}, "pycord 2.8.1 here: uninstall it, then"),
        # Both were installed, one over the other.
        (
            {"__init__.py": PYCORD, "app_commands.py": "class CommandTree: ...", "ui.py": "", "ext/commands.py": ""},
            "pycord 2.8.1 here: uninstall it, then",
        ),
        (
            {"__init__.py": OLD, "app_commands.py": "CommandTree = 1", "ui.py": "", "ext/commands.py": "HybridCommand = 1"},
            "discord.py 2.3.2, or a mixture of two libraries here: pip install --upgrade",
        ),
        ({"__init__.py": ""}, "another library of no known version here: uninstall it"),
    ],
)
def test_another_library_named_discord_is_one_sentence(files: dict[str, str], what: str, tmp_path: Path) -> None:
    line = import_with(files, tmp_path)
    assert line.startswith("ImportError: statsbot_webhooks needs discord.py 2.4 or newer, but `discord` is ")
    assert what in line


def test_no_library_at_all_is_one_sentence(tmp_path: Path) -> None:
    line = import_with({"__init__.py": "raise ModuleNotFoundError('discord')"}, tmp_path)
    assert line == "ImportError: statsbot_webhooks needs discord.py, which is not installed: pip install discord.py"
