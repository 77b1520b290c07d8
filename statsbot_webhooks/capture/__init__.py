"""Capture: turn what happens into an `Event`. It never blocks the host, and knows no destination."""
