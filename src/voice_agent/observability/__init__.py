"""Logs, metrics and the event loop's health."""
