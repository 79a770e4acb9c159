"""Adapters to whatever hears, thinks and speaks; each file describes itself."""
