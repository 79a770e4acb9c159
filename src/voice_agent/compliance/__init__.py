"""Pure decisions: what a call, a recording or a tool may do."""
