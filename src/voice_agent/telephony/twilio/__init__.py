"""Twilio: webhooks, TwiML and media streams."""
