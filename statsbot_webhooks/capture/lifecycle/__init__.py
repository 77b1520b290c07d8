"""The bot's own life: online, gateway gaps, servers joined and left, the end."""
