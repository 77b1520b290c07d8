"""Redaction: remove secrets from texts, and mask persons. It reads no settings and no files."""
