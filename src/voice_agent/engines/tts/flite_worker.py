"""flite behind a pipe.

Its licence would allow it in the server's process; it lives here because speech keeps a
core busy for 2 % of its length. Waiting inside a callback while another phrase is spoken is
safe: everything of a phrase hangs on its own utterance.
"""

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from voice_agent.engines.tts.flite_library import CALLBACK, VOICES, load_flite, load_voice
from voice_agent.engines.tts.speech_worker import PhraseSink, UnknownVoice, serve

_LOUDNESS: Final = np.float32(0.6)
"""Brings flite's voices (-14 dBFS while speaking) to espeak-ng's -19, safe from clipping."""
_CHUNK_BYTES: Final = 256
_GO_ON, _STOP = 0, -1
_START: Final = b"R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_END: Final = b"R:SylStructure.daughtern.daughtern.R:Segment.end"


class _Span(NamedTuple):
    start: float
    end: float


class FliteBackend:
    """The library and the voices loaded so far."""

    reentrant = True
    keeps_commas = True

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are those of the provider: voice, pace."""
        self._flite = load_flite()
        self._voices: dict[str, Any] = {}
        self._pace = float(options["pace"])
        self._voice(str(options["voice"]))

    def rate(self, voice: str) -> int:
        """Hz: 16,000 but for "kal"."""
        features = self._voice(voice).contents.features
        return int(self._flite.get_param_float(features, b"sample_rate", 16000.0))

    def speak(self, tokens: Sequence[str], voice: str, speed: float, sink: PhraseSink) -> None:
        """Speak a phrase into `sink`."""
        plain = [_plain(token) for token in tokens]
        places = [index for index, token in enumerate(plain) if token]
        flite, begun = self._flite, False
        utterance = flite.new_utterance()

        def heard(wave: Any, start: int, count: int, _last: int, _stream: Any) -> int:
            nonlocal begun
            if not begun:
                begun = True
                self._note_words(utterance, places, sink)
            samples = np.ctypeslib.as_array(wave.contents.samples, (start + count,))[start:]
            return _GO_ON if sink.audio((samples * _LOUDNESS).astype(np.int16)) else _STOP

        callback = CALLBACK(heard)
        try:
            text = " ".join(plain[place] for place in places)
            flite.utt_set_input_text(utterance, text.encode("ascii"))
            self._prepare(utterance, speed, callback)
            flite.utt_init(utterance, self._voice(voice))
            flite.utt_synth(utterance)
        finally:
            flite.delete_utterance(utterance)

    def _prepare(self, utterance: Any, speed: float, callback: Any) -> None:
        flite, features = self._flite, utterance.contents.features
        stream = flite.new_audio_streaming_info()
        stream.contents.min_buffsize, stream.contents.asc = _CHUNK_BYTES, callback
        flite.feat_set(features, b"streaming_info", flite.audio_streaming_info_val(stream))
        flite.feat_set_float(features, b"duration_stretch", 1 / (self._pace * speed))

    def _note_words(self, utterance: Any, places: Sequence[int], sink: PhraseSink) -> None:
        spans = list(self._token_spans(utterance))
        for number, span in enumerate(spans):
            if span is not None:
                # One token of ours is one of flite's, unless it cut a word we did not foresee.
                place = places[number * len(places) // len(spans)]
                sink.word(place, span.start, span.end)

    def _token_spans(self, utterance: Any) -> Iterator[_Span | None]:
        flite = self._flite
        token = flite.relation_head(flite.utt_relation(utterance, b"Token"))
        while token:
            yield self._span(token)
            token = flite.item_next(token)

    def _span(self, token: Any) -> _Span | None:
        flite, span = self._flite, None
        word = flite.item_daughter(token)
        while word:
            end = flite.ffeature_float(word, _END)
            if end > 0:
                start = span.start if span else flite.ffeature_float(word, _START)
                span = _Span(start, end)
            word = flite.item_next(word)
        return span

    def _voice(self, name: str) -> Any:
        if name not in VOICES:
            raise UnknownVoice(f"flite has no voice {name!r}; it has {', '.join(VOICES)}")
        if name not in self._voices:
            self._voices[name] = load_voice(name)
        return self._voices[name]


def _plain(token: str) -> str:
    """A token in the ASCII flite reads; empty when nothing of it can be pronounced."""
    folded = unicodedata.normalize("NFKD", token).encode("ascii", "ignore").decode()
    return folded if any(c.isalnum() for c in folded) else ""


def main() -> None:
    """Serve; the one argument is the provider's options as JSON."""
    serve(lambda: FliteBackend(orjson.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
