"""Delivery: from the outbox to Discord. It is the only layer that talks to Discord, and captures nothing."""
