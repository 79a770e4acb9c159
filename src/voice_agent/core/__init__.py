"""The vocabulary every other room shares: values and ports, no I/O."""
