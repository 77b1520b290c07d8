"""The only layer that talks to Discord."""
