"""OpenAI's Chat Completions, and every server that speaks the same by its base URL."""

from voice_agent.engines.llm.openai.model import PROVIDER as PROVIDER
