"""The API without a bot: send a log message, an error, an alert and a member event, then stop."""

import asyncio

from dotenv import load_dotenv

from statsbot_webhooks import get_webhook_manager, setup_webhook_logging
from statsbot_webhooks.config import LogLevel


async def main() -> None:
    load_dotenv()
    setup_webhook_logging()
    manager = get_webhook_manager()
    await manager.start()
    await manager.send_log(LogLevel.INFO, "Bot started successfully", version="1.0.0", guild_count=10)
    try:
        int("many")
    except ValueError as error:
        await manager.send_error(error, component="example", operation="count")
    await manager.send_performance_alert("memory_usage", 612.0, 512.0, component="example")
    await manager.send_member_event("join", 123456789012345678, "anna", guild="Example")
    await manager.stop()


if __name__ == "__main__":
    asyncio.run(main())
