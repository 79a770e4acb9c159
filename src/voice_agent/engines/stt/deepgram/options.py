"""What Deepgram can be told: the settings, the models, and the address they make."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from math import ceil
from typing import Final, Self
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pydantic import Field, field_validator, model_validator

from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.core.speech import RecognitionRequest
from voice_agent.engines.hosted import HostedOptions

VENDOR: Final = "wss://api.deepgram.com"
"""The vendor's own address; regions have others under the same domain."""
FLUX_MODELS: Final = ("flux-general-en", "flux-general-multi")
LISTEN_MODELS: Final = (
    *("nova-3", "nova-3-general", "nova-3-medical", "nova-2"),
    *(
        f"nova-2-{use}"
        for use in (
            *("general", "meeting", "finance", "conversationalai", "voicemail"),
            *("video", "medical", "drivethru", "automotive"),
        )
    ),
    *("nova", "nova-general", "nova-phonecall", "nova-medical", "enhanced", "base"),
)
MOST_TERMS: Final = 100
"""Terms that one stream may listen for."""
TERM_BUDGET: Final = 500
"""Tokens that all key terms together may take; the server refuses more."""
_CHARACTERS_A_TOKEN: Final = 4
_SHORTEST_KEYWORD: Final = 3
_FLUX_LANGUAGES: Final = ("en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl")
_OWN_MODEL: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WEB_SOCKET: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class DeepgramOptions(HostedOptions):
    """How Deepgram is asked to listen."""

    model: str = Field(
        default="nova-2", description="A Nova model, or a Flux model, which finds turns itself."
    )
    phrases: tuple[str, ...] = Field(
        default=(), description="Terms to listen for, besides those of the business."
    )
    phrase_weight: float = Field(
        default=1.5, gt=0, le=10, description="Weight of each term; up to Nova 2 only."
    )
    endpointing_ms: int = Field(
        default=800, ge=10, le=10_000, description="Silence that ends an utterance (ms); Nova."
    )
    utterance_end_ms: int = Field(
        default=1000, ge=1000, le=10_000, description="Gap between words that ends it too; Nova."
    )
    smart_format: bool = Field(default=True, description="Numbers and dates as written; Nova.")
    punctuate: bool = Field(default=True, description="Punctuation; Nova.")
    filler_words: bool = Field(default=True, description="Keep 'uh' and 'um'; Nova.")
    no_delay: bool = Field(default=True, description="Never hold text back to format it; Nova.")
    finalize_within: float = Field(
        default=0.5, gt=0, le=5, description="Wait for the text after the caller stopped (s); Nova."
    )
    eot_threshold: float = Field(
        default=0.7, ge=0.5, le=1.0, description="Certainty that ends a turn; Flux."
    )
    eager_eot_threshold: float | None = Field(
        default=None,
        ge=0.3,
        le=0.9,
        description="Certainty from which a turn's end is expected; empty: never; Flux.",
    )
    eot_timeout_ms: int = Field(
        default=5000, ge=500, le=60_000, description="Silence that ends any turn (ms); Flux."
    )
    turn_end_within: float = Field(
        default=0.6, gt=0, le=5, description="Wait for the turn's end after the caller stopped (s)."
    )
    force_end_turn: bool = Field(
        default=False, description="Then ask Flux to end the turn before its text is taken as is."
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in _WEB_SOCKET or not parts.hostname):
            raise ValueError(f"not an address like {VENDOR}")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known = (*LISTEN_MODELS, *FLUX_MODELS)
        hosted = (urlsplit(self.address).hostname or "").endswith(".deepgram.com")
        if hosted and self.model not in known and not _OWN_MODEL.fullmatch(self.model):
            raise ValueError(f"unknown model {self.model!r}; there are: {', '.join(known)}")
        if self.eager_eot_threshold is not None and self.eager_eot_threshold > self.eot_threshold:
            raise ValueError("eager_eot_threshold must not be above eot_threshold")
        return self

    @property
    def flux(self) -> bool:
        """Whether the model speaks the turn-based protocol."""
        return self.model.startswith("flux-")

    @property
    def address(self) -> str:
        """The WebSocket address that paths are added to."""
        parts = urlsplit(self.base_url or VENDOR)
        return urlunsplit((_WEB_SOCKET[parts.scheme], parts.netloc, parts.path.rstrip("/"), "", ""))

    @property
    def headers(self) -> dict[str, str]:
        """What proves who we are."""
        return {"Authorization": f"Token {self.api_key.get_secret_value()}"}


def socket_url(options: DeepgramOptions, request: RecognitionRequest) -> str:
    """The address of one stream with all its parameters."""
    terms = tuple(dict.fromkeys(filter(None, map(_plain, (*request.phrases, *options.phrases)))))
    build = _flux_parameters if options.flux else _listen_parameters
    pairs = [("model", options.model), *_sound(request.format), *build(options, request, terms)]
    path = "/v2/listen" if options.flux else "/v1/listen"
    return f"{options.address}{path}?{urlencode(pairs, quote_via=quote)}"


def _sound(audio: AudioFormat) -> Iterator[tuple[str, str]]:
    yield "encoding", "mulaw" if audio.encoding is Encoding.MULAW else "linear16"
    yield "sample_rate", str(audio.rate)


def _listen_parameters(
    options: DeepgramOptions, request: RecognitionRequest, terms: Iterable[str]
) -> Iterator[tuple[str, str]]:
    yield "channels", "1"
    yield "language", request.language
    yield "interim_results", "true"
    yield "vad_events", "true"
    yield "endpointing", str(options.endpointing_ms)
    yield "utterance_end_ms", str(options.utterance_end_ms)
    for switch in ("smart_format", "punctuate", "filler_words", "no_delay"):
        yield switch, str(getattr(options, switch)).lower()
    if options.model.startswith("nova-3"):
        yield from (("keyterm", term) for term in key_terms(terms))
    else:
        yield from (("keywords", word) for word in keywords(terms, options.phrase_weight))


def _flux_parameters(
    options: DeepgramOptions, request: RecognitionRequest, terms: Iterable[str]
) -> Iterator[tuple[str, str]]:
    yield "eot_threshold", f"{options.eot_threshold:g}"
    if options.eager_eot_threshold is not None:
        yield "eager_eot_threshold", f"{options.eager_eot_threshold:g}"
    yield "eot_timeout_ms", str(options.eot_timeout_ms)
    language = request.language.partition("-")[0].lower()
    if options.model.endswith("-multi") and language in _FLUX_LANGUAGES:
        yield "language_hint", language
    yield from (("keyterm", term) for term in key_terms(terms))


def keywords(terms: Iterable[str], weight: float) -> list[str]:
    """Single words with their weight, as models up to Nova 2 want them."""
    words = (word for term in terms for word in re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", term))
    distinct = dict.fromkeys(word for word in words if len(word) >= _SHORTEST_KEYWORD)
    return [f"{word}:{weight:g}" for word in islice(distinct, MOST_TERMS)]


def key_terms(terms: Iterable[str]) -> list[str]:
    """Whole phrases, as later models want them, as many as their budget holds."""
    left, chosen = TERM_BUDGET, list[str]()
    for term in terms:
        left -= ceil(len(term) / _CHARACTERS_A_TOKEN)
        if left < 0 or len(chosen) == MOST_TERMS:
            break
        chosen.append(term)
    return chosen


def _plain(term: str) -> str:
    return " ".join(term.split())
