"""What belongs together, and what people decided about it. Knows events and storage; no Discord, no delivery."""
