"""Monitoring of the delivery without Discord: metrics for Prometheus, and a message when nothing reaches Discord."""
