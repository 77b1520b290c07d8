"""The figures of the process are the same with and without psutil."""

from __future__ import annotations

import sys

import pytest

from statsbot_webhooks.capture.health.own_process import ProcProcess, PsutilProcess, find_own_process

psutil = pytest.importorskip("psutil")


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_proc_says_what_psutil_says() -> None:
    own, other = ProcProcess(), PsutilProcess(psutil)
    assert own.rss_bytes() == pytest.approx(other.rss_bytes(), rel=0.2)
    assert own.cpu_seconds() == pytest.approx(other.cpu_seconds(), abs=0.2)
    assert own.started_at() == pytest.approx(other.started_at(), abs=2)
    files, known = own.open_files(), other.open_files()
    assert files is not None
    assert known is not None
    # To list the folder opens it.
    assert abs(files - known) <= 1


def test_without_psutil_the_process_is_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(find_own_process(), PsutilProcess)
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert isinstance(find_own_process(), ProcProcess)
