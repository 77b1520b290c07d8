"""`make demo-fleet`: a Redis, four processes of `cluster.py` and a local Discord; an error storm, and the sender is killed."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from statsbot_webhooks.sandbox import Sandbox

NAMES = ("error", "info", "performance", "member_events")
HERE = Path(__file__).parent
SERVER = shutil.which("redis-server") or shutil.which("valkey-server") or sys.exit("apt-get install redis-server first")


def start(stack: ExitStack, sandbox: Sandbox, folder: str, number: int) -> subprocess.Popen[bytes]:
    urls = {f"WEBHOOK_{name.upper()}_URL": sandbox.webhook_url(name) for name in NAMES}
    own = {"WEBHOOK_PROCESS_NAME": f"cluster-{number}", "CLUSTER_SHARDS": str(number), "CLUSTER_SHARD_COUNT": "4"}
    storage = {"WEBHOOK_STORAGE": f"unix://{folder}/redis.sock?prefix=shop", "WEBHOOK_CARD_EDIT_SECONDS": "2"}
    token = {"DISCORD_TOKEN": sandbox.bot_token, "CLUSTER_STORM": "0" if number else "15", "PYTHONPATH": str(HERE.parent)}
    runner = [sys.executable, "-m", "statsbot_webhooks.cli.script_runner", sandbox.base_url]
    env = {**os.environ, **urls, **own, **storage, **token}
    bot = subprocess.Popen([*runner, str(HERE / "cluster.py")], cwd=folder, env=env, stderr=subprocess.DEVNULL)
    stack.callback(bot.kill)
    return bot


def cards(sandbox: Sandbox) -> str:
    """Say how many cards the storm has, and what the newest one says of its processes."""
    found = [message for message in sandbox.messages("error") if "database is away" in str(message)]
    fields = {field["name"]: field["value"] for message in found for field in message.embeds[0].get("fields", [])}
    return f"{len(found)} card: {fields.get('Processes', '')}"


def main(seconds: float) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True))
        options = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", folder, "--save", ""]
        stack.callback(subprocess.Popen([SERVER, *options], stdout=subprocess.DEVNULL).kill)
        sandbox = stack.enter_context(Sandbox())
        print(f"the channels: {sandbox.base_url}", flush=True)
        bots = [start(stack, sandbox, folder, 0)]
        time.sleep(5)
        bots += [start(stack, sandbox, folder, number) for number in range(1, 4)]
        while not all(f"cluster-{number}" in cards(sandbox) for number in range(4)):
            time.sleep(1)
        print(f"a storm in four processes is {cards(sandbox)}", flush=True)
        bots[0].kill()
        print("cluster-0 sent for all and is killed; within 15 s another one goes on", flush=True)
        time.sleep(seconds)
        print(f"{seconds:g} s later it is still {cards(sandbox)}; rate limited {sandbox.count_status(429)} times", flush=True)
        if sys.stdin.isatty():
            input("After about a minute the page also says that cluster-0 has ended. Enter ends the demo. ")


if __name__ == "__main__":
    main(float(os.environ.get("DEMO_SECONDS", "20")))
