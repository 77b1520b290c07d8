"""Lifecycle of the bot as events: online, gateway gaps, servers joined and left, the end. No layout."""
