"""The storage that several processes share: Redis streams, the lease of the sender, and a file for while Redis is away."""
