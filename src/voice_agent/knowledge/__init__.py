"""Answers from documents: read, cut, indexed, found again."""
