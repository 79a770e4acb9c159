"""The built-in dialogue model: no key, no network, nothing it was not told."""

from voice_agent.engines.llm.builtin.model import PROVIDER as PROVIDER
from voice_agent.engines.llm.builtin.model import BuiltinDialogue as BuiltinDialogue
