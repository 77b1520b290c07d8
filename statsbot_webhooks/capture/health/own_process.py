"""Own process: the kernel's figures of this process, from psutil, or from /proc on a Linux without a wheel of psutil.

Both have the few figures that `process_probe` needs; a figure that is not available is None.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Protocol

_PROC: Final = Path("/proc")


class OwnProcess(Protocol):
    """Figures of this process."""

    def rss_bytes(self) -> int | None:
        """Return the resident memory."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""
        ...

    def open_files(self) -> int | None:
        """Return how many files and sockets are open; handles on Windows."""
        ...

    def started_at(self) -> float | None:
        """Return when the process began (wall clock)."""
        ...


class PsutilProcess:
    """Figures through psutil."""

    def __init__(self, psutil: Any) -> None:
        self._process: Any = psutil.Process()

    def rss_bytes(self) -> int | None:
        return self._process.memory_info().rss

    def cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    def open_files(self) -> int | None:
        count = getattr(self._process, "num_fds", None) or getattr(self._process, "num_handles", None)
        return None if count is None else count()

    def started_at(self) -> float | None:
        return self._process.create_time()


class ProcProcess:
    """Figures from /proc; without it, only the CPU time."""

    def rss_bytes(self) -> int | None:
        text = _read("self/statm")
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") if text else None

    def cpu_seconds(self) -> float:
        times = os.times()
        return times.user + times.system

    def open_files(self) -> int | None:
        try:
            return len(os.listdir(_PROC / "self" / "fd"))
        except OSError:
            return None

    def started_at(self) -> float | None:
        # proc(5): field 22 of stat is the start in ticks since the boot, whose time is in /proc/stat.
        boot = next((line.split()[1] for line in _read("stat").splitlines() if line.startswith("btime ")), "")
        # The name of the program, in brackets, may hold blanks.
        after_name = _read("self/stat").rpartition(")")[2].split()
        if not boot or len(after_name) < 20:
            return None
        return float(boot) + int(after_name[19]) / os.sysconf("SC_CLK_TCK")


def find_own_process() -> OwnProcess:
    """Return the best available source of figures."""
    try:
        import psutil  # noqa: PLC0415 - has no wheel for 32-bit ARM
    except ImportError:
        return ProcProcess()
    return PsutilProcess(psutil)


def _read(name: str) -> str:
    try:
        return (_PROC / name).read_text("utf-8", "replace")
    except OSError:
        return ""
