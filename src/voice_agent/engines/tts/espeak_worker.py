"""espeak-ng behind a pipe. GPL-3: only this process loads it, never the server's.

The library comes with the `espeakng-loader` wheel and is called through ctypes. It keeps
global state, so one phrase is spoken at a time; a phrase takes a few milliseconds.
Numbers below are from espeak-ng's `speak_lib.h`.
"""

import ctypes
import sys
from collections.abc import Sequence
from typing import Any, Final

import espeakng_loader
import numpy as np
import orjson

from voice_agent.engines.tts.speech_worker import PhraseSink, UnknownVoice, serve

_SYNCHRONOUS: Final = 2
_BUFFER_MS: Final = 60
_INIT_DONT_EXIT: Final = 0x8000
_CHARS_UTF8: Final = 1
_POSITION_CHARACTER: Final = 1
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4
_EVENT_END_OF_LIST, _EVENT_WORD = 0, 1
_SLOWEST, _FASTEST = 80, 450


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_int * 2),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library, its current voice, and the phrase being spoken."""

    reentrant = False
    keeps_commas = False

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are those of the provider: words_per_minute, pitch, pitch_range, volume.

        Raises:
            RuntimeError: the library or its data cannot be loaded.
        """
        self._words_per_minute = float(options["words_per_minute"])
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, data, _INIT_DONT_EXIT
        )
        if self._rate <= 0:
            raise RuntimeError("espeak-ng cannot load its data")
        self._callback = _Callback(self._heard)
        self._library.espeak_SetSynthCallback(self._callback)
        self._pitch, self._range = int(options["pitch"]), int(options["pitch_range"])
        self._voice, self._speed = "", 0.0
        self._sink: PhraseSink | None = None
        self._starts: list[int] = []
        self._choose(str(options["voice"]))

    def rate(self, voice: str) -> int:
        """Hz, the same for every voice."""
        self._choose(voice)
        return int(self._rate)

    def speak(self, tokens: Sequence[str], voice: str, speed: float, sink: PhraseSink) -> None:
        """Speak a phrase into `sink`."""
        self._choose(voice)
        pace = round(min(max(self._words_per_minute * speed, _SLOWEST), _FASTEST))
        self._set(_PARAMETER_RATE, pace)
        spelled = [_letter_a(token) for token in tokens]
        text = " ".join(spelled).encode("utf-8", "replace")
        self._starts = _starts(spelled)
        self._sink = sink
        try:
            self._library.espeak_Synth(
                text, len(text) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
            )
        finally:
            self._sink = None

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        if self._library.espeak_SetVoiceByName(voice.encode("utf-8", "replace")) != 0:
            self._voice = ""
            raise UnknownVoice(f"espeak-ng has no voice {voice!r}; try en-us, en-gb-x-rp, es or de")
        self._voice = voice
        self._set(_PARAMETER_PITCH, self._pitch)
        self._set(_PARAMETER_RANGE, self._range)

    def _set(self, parameter: int, value: int) -> None:
        self._library.espeak_SetParameter(parameter, value, 0)

    def _heard(self, wave: Any, count: int, events: Any) -> int:
        if self._sink is None:
            return 1
        self._note_words(self._sink, events)
        if not wave or count <= 0:
            return 0
        samples = np.ctypeslib.as_array(wave, (count,)).copy()
        return 0 if self._sink.audio(samples) else 1

    def _note_words(self, sink: PhraseSink, events: Any) -> None:
        number = 0
        while events[number].type != _EVENT_END_OF_LIST:
            if events[number].type == _EVENT_WORD:
                # Positions count characters from one.
                index = int(
                    np.searchsorted(self._starts, events[number].text_position - 1, "right")
                )
                sink.word(index - 1, events[number].sample / self._rate)
            number += 1


def _letter_a(token: str) -> str:
    """A capital A by itself is the letter's name; espeak-ng would say the article."""
    return "ay" + token[1:] if token.rstrip(",.;:?!") == "A" else token


def _starts(tokens: Sequence[str]) -> list[int]:
    """Where each word begins in the text, in characters."""
    starts, at = [], 0
    for token in tokens:
        starts.append(at)
        at += len(token) + 1
    return starts


def main() -> None:
    """Serve; the one argument is the provider's options as JSON."""
    serve(lambda: Espeak(orjson.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
