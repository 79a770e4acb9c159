"""Providers that run on this machine: their wire, their rules, their bad days."""
