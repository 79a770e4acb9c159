"""Telephone networks."""
