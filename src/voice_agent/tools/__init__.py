"""Business actions a model may take."""
