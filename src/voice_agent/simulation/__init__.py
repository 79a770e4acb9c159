"""The other side of every wire: the simulated phone, callers and faults."""
