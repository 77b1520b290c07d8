"""Log records to events."""
