"""Lifecycle of the bot: online, gateway gaps, servers joined and left, the end."""
