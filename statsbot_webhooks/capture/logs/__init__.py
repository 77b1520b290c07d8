"""Log records as events: of `logging`, loguru and structlog."""
