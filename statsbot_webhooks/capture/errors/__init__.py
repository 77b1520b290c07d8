"""Errors of the bot to events: hooks around the host's handlers, and what is known about each error."""
