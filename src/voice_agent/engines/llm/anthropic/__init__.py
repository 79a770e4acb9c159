"""Anthropic's Messages API."""

from voice_agent.engines.llm.anthropic.model import PROVIDER as PROVIDER
