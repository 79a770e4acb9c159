import anyio

from support.recognition import Listener
from voice_agent.core.audio import PHONE
from voice_agent.core.speech import SpeechStarted, SpeechStopped
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.simulation.virtual_time import run_virtual


def test_it_hears_its_script_and_then_nothing() -> None:
    engine = ScriptedRecognizer(ScriptedRecognizerOptions(texts=("one", "two"), delay=0.25))

    async def call() -> list[tuple[str, float, float]]:
        caller = Listener(PHONE)
        async with caller.calling(engine):
            assert caller.stream is not None
            for number in range(3):
                caller.stream.send(SpeechStarted(number + 0.1))
                caller.stream.send(SpeechStopped(number + 0.5))
                await anyio.sleep(0.2)
                assert len(caller.finals) == number
                await anyio.sleep(0.1)
        return [(final.text, final.start, final.end) for final in caller.finals]

    assert run_virtual(call) == [("one", 0.1, 0.5), ("two", 1.1, 1.5), ("", 2.1, 2.5)]
