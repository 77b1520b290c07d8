"""What an event is, and how events are made, folded, counted and described. Pure: no I/O, no discord."""
