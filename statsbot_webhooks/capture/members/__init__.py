"""Members joining, leaving, being kicked or banned, alone or in crowds."""
