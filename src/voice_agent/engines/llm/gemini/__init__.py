"""Google's Gemini, by streamGenerateContent."""

from voice_agent.engines.llm.gemini.model import PROVIDER as PROVIDER
