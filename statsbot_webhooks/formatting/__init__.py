"""Events to messages: cards, lines, digests, and everything in full in a file. Pure."""
