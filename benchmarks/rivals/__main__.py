"""Ours beside the rivals, in one run against the sandbox with Discord's limits: `python benchmarks/rivals [NAME ...]`.

Prints one table; `--json FILE` writes the figures, `--plot FILE` draws how the burst got on screen, `--baseline FILE` marks
ratios that got worse by more than a fifth. The clients are processes of the Python that RIVALS_PYTHON names.
"""

# The rivals are in an environment of their own.
# pyright: basic, reportMissingImports=false, reportPrivateImportUsage=false

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from clients import CLIENTS, LIMIT_SECONDS

from statsbot_webhooks.sandbox import Sandbox

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_NUMBER = re.compile(r"event number (\d{6})")


def shown(sandbox: Sandbox, channel: str) -> int:
    """Return how many of the numbered events can be read in a channel, files included."""
    texts = [m.text + "".join(file.text for file in m.attachments) for m in sandbox.messages(channel)]
    return len({number for text in texts for number in _NUMBER.findall(text)})


def letters(sandbox: Sandbox, channel: str) -> int:
    """Return how many letters of the long event can be read: of ours in the file, of the rivals in all messages together."""
    texts = [m.text for m in sandbox.messages(channel)] + [file.text for m in sandbox.messages(channel) for file in m.attachments]
    return min(
        max((text.count("y") for text in texts), default=0) if "statsbot" in channel else "".join(texts).count("y"), 50_000
    )


class Client:
    """A client process in a folder of its own."""

    def __init__(self, sandbox: Sandbox, name: str, task: str, folder: Path) -> None:
        self.channel = f"{re.sub('[^a-z]+', '-', name.lower())}-{'kill' if task == 'resume' else task}"
        url = sandbox.webhook_url(self.channel)
        if name != "statsbot_webhooks":
            url = url.replace("https://discord.com", sandbox.base_url)
        self.place = folder / self.channel
        self.place.mkdir(exist_ok=True)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "SANDBOX": sandbox.base_url}
        self._command = [
            os.path.abspath(os.environ.get("RIVALS_PYTHON", sys.executable)),
            str(HERE / "clients.py"),
            name,
            task,
            url,
        ]
        self._env = env

    async def __aenter__(self) -> asyncio.subprocess.Process:
        self.process = await asyncio.create_subprocess_exec(
            *self._command, cwd=self.place, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return self.process

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def read(process: asyncio.subprocess.Process, seconds: float = LIMIT_SECONDS + 30) -> dict[str, Any]:
    """Return the next line of figures; nothing when the client said none in time."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            while line := await process.stdout.readline():
                if line.startswith(b"{"):
                    return json.loads(line)
    except TimeoutError:
        pass
    return {}


async def simple(sandbox: Sandbox, name: str, task: str, folder: Path) -> dict[str, Any]:
    client = Client(sandbox, name, task, folder)
    async with client as process:
        figures = await read(process)
        if task == "long":
            return {"long_percent": letters(sandbox, client.channel) / 500}
    return figures


async def burst(sandbox: Sandbox, name: str, folder: Path) -> dict[str, Any]:
    client = Client(sandbox, name, "burst", folder)
    async with client as process:
        await read(process)
        started = time.perf_counter()
        reading = asyncio.create_task(read(process))
        course: list[tuple[float, int]] = []
        while time.perf_counter() - started < LIMIT_SECONDS:
            course.append((time.perf_counter() - started, shown(sandbox, client.channel)))
            if course[-1][1] >= 2000:
                break
            await asyncio.sleep(0.25)
        figures = await reading
    posts = [request for request in sandbox.requests if request.webhook == client.channel and request.method != "GET"]
    limited = sum(request.status == 429 for request in posts)
    return {
        **figures,
        "on_screen": course[-1][1],
        "seconds": course[-1][0],
        "requests": len(posts),
        "429s": limited,
        "course": course,
    }


async def outage(sandbox: Sandbox, name: str, folder: Path) -> dict[str, Any]:
    client = Client(sandbox, name, "outage", folder)
    async with client as process:
        await read(process)
        await asyncio.sleep(5)
        sandbox.fault(client.channel, "500", seconds=30)
        emitted = (await read(process)).get("emitted", 0)
        until = time.perf_counter() + LIMIT_SECONDS
        while time.perf_counter() < until and shown(sandbox, client.channel) < 300:  # noqa: ASYNC110 - the page is looked at
            await asyncio.sleep(0.5)
    return {"outage_missing": 300 - shown(sandbox, client.channel), "outage_emitted": emitted}


async def kill(sandbox: Sandbox, name: str, folder: Path) -> dict[str, Any]:
    client = Client(sandbox, name, "kill", folder)
    async with client as process:
        # Seven of them start at once.
        emitted = (await read(process)).get("emitted", 0)
        await asyncio.sleep(1)
        process.kill()
    async with Client(sandbox, name, "resume", folder) as process:
        await read(process, 40)
    return {"kill_missing": emitted - shown(sandbox, client.channel), "kill_emitted": emitted}


async def measure(sandbox: Sandbox, names: list[str], folder: Path, only: set[str]) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {name: {} for name in names}
    for name in names:
        for task in only & {"emit", "memory"}:
            figures = await simple(sandbox, name, task, folder)
            results[name] |= {key: value for key, value in figures.items() if key != "emitted"}
            if task == "memory":
                results[name]["memory_events"] = figures.get("emitted", 0)
        if "burst" not in only:
            continue
        results[name] |= await burst(sandbox, name, folder)
        print(f"{name}: {results[name]['on_screen']} of 2,000 after {results[name]['seconds']:.1f} s", file=sys.stderr)
    # What waits for the clock, not for the processor, runs side by side.
    for work in (work for work in (outage, kill) if work.__name__ in only):
        found = await asyncio.gather(*(work(sandbox, name, folder) for name in names))
        for name, figures in zip(names, found, strict=True):
            results[name] |= figures
    for name in names if "long" in only else ():
        results[name] |= await simple(sandbox, name, "long", folder)
    return results


TASKS = ("emit", "memory", "burst", "outage", "kill", "long")
COLUMNS = (
    ("emit", "emit_us", "{:,.1f} us"),
    ("exception", "exception_us", "{:,.0f} us"),
    ("2,000 at once", "on_screen", "{:,}"),
    ("after", "seconds", "{:.1f} s"),
    ("requests", "requests", "{}"),
    ("429s", "429s", "{}"),
    ("loop p99", "loop_p99_ms", "{:.1f} ms"),
    ("missing 60 s after 30 s of 500s", "outage_missing", "{} of 300"),
    ("lost by kill -9", "kill_missing", "{} of 500"),
    ("50,000 letters", "long_percent", "{:.0f} %"),
    ("100,000 queued", "memory_mb", "{:.0f} MB"),
)


def table(results: dict[str, dict[str, Any]]) -> str:
    rows = [["", *(title for title, _, _ in COLUMNS)]]
    for name, figures in results.items():
        cells = [form.format(figures[key]) if key in figures else "-" for _, key, form in COLUMNS]
        if figures.get("memory_events", 100_000) < 100_000:
            cells[-1] = f"blocks ({figures['memory_events']:,} in 20 s)"
        if figures.get("kill_emitted", 500) < 500:
            cells[8] = f"{max(figures['kill_missing'], 0)} of {figures['kill_emitted']} that it took"
        rows.append([name, *cells])
    return "\n".join(
        ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0]), *("| " + " | ".join(r) + " |" for r in rows[1:])]
    )


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return times of ours as ratios to stdlib's in the same run; lower is better."""
    mine, stdlib = results["statsbot_webhooks"], results["QueueListener"]
    return {key: mine[key] / stdlib[key] for key in ("emit_us", "exception_us", "loop_p99_ms") if stdlib.get(key) and key in mine}


def plot(results: dict[str, dict[str, Any]], path: str) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only when asked for

    figure, axes = plt.subplots(figsize=(8, 4))
    for name, figures in results.items():
        axes.plot(*zip(*figures["course"], strict=True), label=name)
    axes.set(xlabel="seconds", ylabel="events on screen", title="2,000 events at once, with Discord's limits")
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=120, bbox_inches="tight")


async def run(names: list[str], only: set[str]) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox() as sandbox:
            return await measure(sandbox, names, Path(folder), only)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(CLIENTS))
    parser.add_argument("--only", choices=TASKS, action="append", help="may be given several times")
    parser.add_argument("--json")
    parser.add_argument("--plot")
    parser.add_argument("--baseline")
    options = parser.parse_args()
    results: dict[str, Any] = asyncio.run(run(options.names or list(CLIENTS), set(options.only or TASKS)))
    print(table(results))
    if options.plot:
        plot(results, options.plot)
    for figures in results.values():
        figures.pop("course", None)
    if {"statsbot_webhooks", "QueueListener"} <= set(results):
        results["ratios"] = ratios(results)
        before = json.loads(Path(options.baseline).read_text("utf-8"))["ratios"] if options.baseline else {}
        for key, value in results["ratios"].items():
            worse = "  worse than the baseline" if value > before.get(key, value) * 1.2 else ""
            print(f"{key}: {value:.2f} of stdlib's{worse}")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
