"""Tools without code: webhooks from the settings and whatever MCP servers offer."""
