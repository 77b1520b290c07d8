"""The storage of a fleet: Redis streams, the lease of the sender, and a file while Redis is away. It sends nothing."""
