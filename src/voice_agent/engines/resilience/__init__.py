"""Engines behind engines: a breaker for each, and the next one when one fails."""
