"""The query of `/v1/listen`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from voice_agent.core.audio import AudioFormat
from voice_agent.simulation.providers.deepgram import query
from voice_agent.simulation.providers.deepgram.refusals import BadQuery

KEYTERM_TOKENS: Final = 500
_KEYWORDS: Final = 100
_KINDS: Final[Mapping[str, str]] = {
    "nova-3": " general medical",
    "nova-2": " general meeting finance conversationalai voicemail video medical drivethru "
    "automotive",
    "nova": " general phonecall medical",
    "enhanced": " general meeting phonecall finance",
}
MODELS: Final = frozenset(
    [
        f"{family}-{kind}" if kind else family
        for family, k in _KINDS.items()
        for kind in k.split(" ")
    ]
    + ["base", "meeting", "phonecall", "finance", "conversationalai", "voicemail", "video"]
)
_ENCODINGS: Final = [
    "linear16",
    "linear32",
    "flac",
    "alaw",
    "mulaw",
    "amr-nb",
    "amr-wb",
    "opus",
    "ogg-opus",
    "speex",
    "g729",
]
_BOOLEANS: Final = [
    "detect_entities",
    "diarize",
    "dictation",
    "filler_words",
    "interim_results",
    "mip_opt_out",
    "multichannel",
    "no_delay",
    "numerals",
    "profanity_filter",
    "punctuate",
    "smart_format",
    "vad_events",
]
_REPEATABLE: Final = frozenset(
    ["keyterm", "keywords", "language_hint", "redact", "replace", "search", "tag", "extra"]
)


def _endpointing(name: str, value: str) -> None:
    if value != "false":
        query.whole(0, 60_000)(name, value)


_CHECKS: Final[Mapping[str, query.Check]] = {
    **dict.fromkeys(_BOOLEANS, query.boolean),
    "callback": query.text(),
    "callback_method": query.one_of(("POST", "GET", "PUT", "DELETE")),
    "channels": query.whole(1, 20),
    "diarize_model": query.one_of(("latest", "v1")),
    "encoding": query.one_of(_ENCODINGS),
    "endpointing": _endpointing,
    "extra": query.text(),
    "keyterm": query.text(),
    "keywords": query.text(),
    "language": query.text(35),
    "language_hint": query.text(35),
    "model": query.text(),
    "redact": query.one_of(("true", "false", "pci", "numbers", "aggressive_numbers", "ssn")),
    "replace": query.text(),
    "sample_rate": query.whole(8000, 48_000),
    "search": query.text(),
    "tag": query.text(128),
    "utterance_end_ms": query.whole(1000, 60_000),
    "version": query.text(),
}


@dataclass(frozen=True, slots=True)
class NovaQuery:
    """What a connection was asked for; `audio` None: nothing that can be heard here.

    `endpointing` and `utterance_end` in seconds, None where switched off.
    """

    model: str
    audio: AudioFormat | None
    language: str = "en"
    interim_results: bool = False
    endpointing: float | None = 0.01
    utterance_end: float | None = None
    vad_events: bool = False
    punctuate: bool = False
    detect_entities: bool = False
    keyterms: tuple[str, ...] = ()

    @property
    def newest(self) -> bool:
        """Whether it is nova-3."""
        return self.model.startswith("nova-3")


def read_query(pairs: Sequence[tuple[str, str]]) -> NovaQuery:
    """The query as the vendor understands it.

    Raises:
        BadQuery: it does not; the message says why.
    """
    values = query.collect(pairs, _CHECKS, _REPEATABLE)
    given = {name: value[0] for name, value in values.items()}
    model = given.get("model", "nova-3")
    _check_model(model)
    _check_terms(model, values)
    _check_combinations(given)
    silence, gap = given.get("endpointing", "10"), given.get("utterance_end_ms")
    return NovaQuery(
        model=model,
        audio=query.audio_format(values),
        language=given.get("language", "en"),
        interim_results=given.get("interim_results") == "true",
        endpointing=None if silence == "false" else int(silence) / 1000,
        utterance_end=None if gap is None else int(gap) / 1000,
        vad_events=given.get("vad_events") == "true",
        punctuate="true" in (given.get("punctuate"), given.get("smart_format")),
        detect_entities=given.get("detect_entities") == "true",
        keyterms=tuple(values.get("keyterm", ())),
    )


def too_many_terms(terms: Sequence[str]) -> bool:
    """Whether keyterms are over the model's budget, a token taken as four letters."""
    return sum(-(-len(word) // 4) for term in terms for word in term.split()) > KEYTERM_TOKENS


def _check_model(model: str) -> None:
    if model.startswith("flux"):
        raise BadQuery(f"Bad Request: {model} is not available here, use /v2/listen", "Bad Request")
    if model not in MODELS:
        raise BadQuery("Bad Request: No such model/language/tier combination found.", "Bad Request")


def _check_terms(model: str, values: Mapping[str, Sequence[str]]) -> None:
    newest = model.startswith("nova-3")
    if "keywords" in values and newest:
        raise BadQuery(f"keywords is not supported by {model}: use keyterm")
    if "keyterm" in values and not newest:
        raise BadQuery(f"keyterm is not supported by {model}: use keywords")
    if len(values.get("keywords", ())) > _KEYWORDS:
        raise BadQuery(f"keywords: at most {_KEYWORDS}")
    if too_many_terms(values.get("keyterm", ())):
        raise BadQuery(f"keyterm: at most {KEYTERM_TOKENS} tokens")


def _check_combinations(given: Mapping[str, str]) -> None:
    if "utterance_end_ms" in given and given.get("interim_results") != "true":
        raise BadQuery("utterance_end_ms needs interim_results=true")
    if given.get("channels", "1") != "1" and given.get("multichannel") != "true":
        raise BadQuery("channels needs multichannel=true")
    if "language_hint" in given and given.get("language") != "multi":
        raise BadQuery("language_hint needs language=multi")
    for encoding, rate in (("amr-nb", "8000"), ("amr-wb", "16000")):
        if given.get("encoding") == encoding and given.get("sample_rate") != rate:
            raise BadQuery(f"{encoding} needs sample_rate={rate}")
