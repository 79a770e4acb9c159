"""The voice plane: who may speak, what is said, what was heard."""
