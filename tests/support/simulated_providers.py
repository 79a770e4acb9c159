"""The simulated providers on a loopback port, in the test's own event loop."""

from voice_agent.core.ports import LanguageModel, SpeechRecognizer, SpeechSynthesizer
from voice_agent.engines.llm.scripted import ScriptedModel, says
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.running import serving

__all__ = ["desk", "serving"]


def desk(
    model: LanguageModel | None = None,
    recognizer: SpeechRecognizer | None = None,
    synthesizer: SpeechSynthesizer | None = None,
) -> Desk:
    """Scripted engines where a test brings none of its own."""
    return Desk(
        model or ScriptedModel(says("Hello ", "from the other side.")),
        recognizer or ScriptedRecognizer(ScriptedRecognizerOptions(texts=("hello there",))),
        synthesizer or ScriptedSynthesizer(ScriptedSpeechOptions()),
    )
