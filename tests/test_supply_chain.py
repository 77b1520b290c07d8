"""What the gate runs is what the locks name: each file by its hash, each action by its commit, and there is no way around."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CI = ROOT / ".ci"
LOCKS = [*sorted((CI / "lock").glob("*.txt")), CI / "docs-lock.txt", CI / "audit-lock.txt"]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
pytestmark = pytest.mark.skipif(not CI.exists() or os.name == "nt", reason="the tests of the wheel have no .ci")


def names_in(text: str) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"(?m)^([A-Za-z0-9][\w.-]*)", text)}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_each_file_by_its_hash(lock: Path) -> None:
    for entry in re.split(r"(?m)^(?=\w)", lock.read_text("utf-8"))[1:]:
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+(?: ;[^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", entry), entry[
            :80
        ]


def test_each_version_of_the_gate_has_a_lock_of_all_that_is_asked_for() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    wanted = names_in("\n".join(line.strip() for text in lines for line in text.splitlines()))
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    versions = re.findall(r'"(3\.\d+)"', workflow)
    assert len(versions) >= 4
    for version in versions:
        assert wanted - names_in((CI / "lock" / f"{version}.txt").read_text("utf-8")) <= {"statsbot-webhooks"}, version


def test_the_gate_installs_nothing_else() -> None:
    lines = [
        line for name in ("run", "install", "audit") for line in (CI / name).read_text("utf-8").replace("\\\n", " ").splitlines()
    ]
    installs = [line for line in lines if re.search(r"pip\b.* install |\$\{pip\[@\]\}", line) and "pip=(" not in line]
    assert len(installs) == 3
    assert all("--require-hashes --only-binary :all: -r" in line or "--no-deps --no-build-isolation" in line for line in installs)


def test_the_actions_of_the_workflows_are_commits() -> None:
    for workflow in (ROOT / ".github" / "workflows").iterdir():
        uses = re.findall(r"uses: *(\S+)", workflow.read_text("utf-8"))
        assert uses
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each) for each in uses)


def make_wheel(folder: Path, version: str) -> str:
    """Write a wheel of the package `lockedthing`, and return its hash."""
    path = folder / f"lockedthing-{version}-py3-none-any.whl"
    info = f"lockedthing-{version}.dist-info"
    files = {
        "lockedthing.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lockedthing\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    sums = {
        name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for name, text in files.items()
    }
    record = "".join(f"{name},sha256={sums[name]},{len(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            wheel.writestr(name, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_file_that_was_changed_and_a_version_without_a_lock_are_refused(tmp_path: Path) -> None:
    index, lock = tmp_path / "index", tmp_path / ".ci" / "lock" / f"{VERSION}.txt"
    index.mkdir()
    lock.parent.mkdir(parents=True)
    shutil.copy(CI / "install", tmp_path / ".ci" / "install")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    right, newer = make_wheel(index, "1.0"), make_wheel(index, "2.0")
    python = tmp_path / "venv" / "bin" / "python"

    def install(text: str | None) -> str:
        lock.unlink(missing_ok=True)
        if text is not None:
            lock.write_text(text)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        environment = clean | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull}
        project = str(index / "lockedthing-2.0-py3-none-any.whl")
        command = [tmp_path / ".ci" / "install", python, *([project] if text and "2.0" in text else ["--dry-run", project])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr

    assert "is not locked" in install(None)
    assert "DO NOT MATCH" in install(f"lockedthing==1.0 --hash=sha256:{newer}\n")
    assert "must have their versions pinned" in install(f"lockedthing --hash=sha256:{right}\n")
    assert "Hashes are required" in install("lockedthing==1.0\n")
    assert "No matching distribution" in install(f"lockedthing==3.0 --hash=sha256:{right}\n")
    assert install(f"lockedthing==1.0 --hash=sha256:{right}\n") == ""
    shown = subprocess.run(
        [python, "-c", "import lockedthing; print(lockedthing.version)"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "1.0\n"


@pytest.mark.slow
def test_the_audit_fails_for_a_changed_file(tmp_path: Path) -> None:
    shutil.copytree(CI, tmp_path / ".ci")
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "1.0")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment = clean | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull}
    (tmp_path / ".ci" / "audit-lock.txt").write_text(f"lockedthing==1.0 --hash=sha256:{'0' * 64}\n")
    done = subprocess.run([tmp_path / ".ci" / "audit"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "is not the one of .ci/audit-lock.txt" in done.stderr) == (1, True)
