"""How the delivery is, told by other ways than Discord: figures for Prometheus, and a message when nothing reaches Discord."""
