"""`make demo-fleet`: a Redis, four processes of `cluster.py` and a local Discord; an error storm, and the sender is killed."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from statsbot_webhooks.sandbox import Sandbox

NAMES = ("error", "info", "performance", "member_events")
HERE = Path(__file__).parent
SERVER = shutil.which("redis-server") or shutil.which("valkey-server") or sys.exit("apt-get install redis-server first")


def start(sandbox: Sandbox, folder: str, number: int) -> subprocess.Popen[bytes]:
    urls = {f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name) for name in NAMES}
    own = {"WEBHOOK_PROCESS_NAME": f"cluster-{number}", "CLUSTER_SHARDS": str(number), "CLUSTER_SHARD_COUNT": "4"}
    storage = {"WEBHOOK_STORAGE": f"unix://{folder}/redis.sock?prefix=shop", "WEBHOOK_CARD_EDIT_SECONDS": "2"}
    token = {"DISCORD_TOKEN": sandbox.bot_token, "CLUSTER_STORM": "0" if number else "15", "PYTHONPATH": str(HERE.parent)}
    runner = [sys.executable, "-m", "statsbot_webhooks.cli.script_runner", sandbox.base_url]
    script = str(HERE / "cluster.py")
    environment = {**os.environ, **urls, **own, **storage, **token}
    return subprocess.Popen([*runner, script], cwd=folder, env=environment, stderr=subprocess.DEVNULL)


def card(sandbox: Sandbox) -> dict[str, str]:
    """Return the fields of the newest card of the storm, and how many cards there are."""
    cards = [message for message in sandbox.messages("error") if "database is away" in str(message)]
    fields = {field["name"]: field["value"] for message in cards for field in message.embeds[0].get("fields", [])}
    return {"cards": str(len(cards)), "processes": fields.get("Processes", "")}


def main(seconds: float) -> None:
    folder = tempfile.mkdtemp(prefix="fleet-")
    arguments = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", folder, "--save", ""]
    server = subprocess.Popen([SERVER, *arguments], stdout=subprocess.DEVNULL)
    with Sandbox() as sandbox:
        print(f"the channels: {sandbox.base_url}", flush=True)
        bots = [start(sandbox, folder, 0)]
        time.sleep(5)
        bots += [start(sandbox, folder, number) for number in range(1, 4)]
        while not all(f"cluster-{number}" in card(sandbox)["processes"] for number in range(4)):
            time.sleep(1)
        print(f"a storm in four processes: {card(sandbox)}", flush=True)
        bots[0].kill()
        print("cluster-0 sent for all and is killed; another one goes on", flush=True)
        time.sleep(seconds)
        print(f"it is still one card: {card(sandbox)}; rate limited {sandbox.count_status(429)} times", flush=True)
        if sys.stdin.isatty():
            input("Enter ends it. ")
        for process in (*bots, server):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(os.environ.get("DEMO_SECONDS", "20")))
