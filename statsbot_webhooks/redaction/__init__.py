"""Remove secrets from texts and hide persons. Pure."""
