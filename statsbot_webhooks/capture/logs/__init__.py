"""Log records of `logging`, loguru and structlog as events. The host's own output stays as it was."""
