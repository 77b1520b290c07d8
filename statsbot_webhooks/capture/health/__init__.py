"""Health of the bot: samples, alerts, slow calls, a blocked loop, the daily summary."""
