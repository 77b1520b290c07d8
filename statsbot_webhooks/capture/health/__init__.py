"""How the bot is doing: samples, alerts, slow calls, a blocked loop, the daily summary."""
