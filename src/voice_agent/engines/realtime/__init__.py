"""Speech-to-speech models."""
