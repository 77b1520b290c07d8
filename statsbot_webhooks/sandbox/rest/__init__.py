"""The REST side of the local Discord: routes, what they refuse, limits and faults."""
