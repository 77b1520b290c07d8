"""Health of the bot as events: samples, alerts, slow calls, a blocked loop, the daily summary. No layout but charts."""
