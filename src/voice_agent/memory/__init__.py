"""What is remembered of a caller: this conversation, and the calls before it."""
