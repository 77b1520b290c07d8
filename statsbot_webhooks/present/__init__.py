"""What an event looks like in a channel: as a card, as a line, in a digest, and in full in a file. Pure."""
