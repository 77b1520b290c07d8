"""Something happened: turn it into an Event. Never awaits, knows no destination."""
