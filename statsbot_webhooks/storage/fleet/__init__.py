"""The storage that several processes share: streams of a Redis, the lease of the one that sends, a file for when it is away."""
