"""Errors of the bot as events: hooks around the host's handlers, and the context of each error. No layout."""
