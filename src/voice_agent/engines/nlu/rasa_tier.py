"""The NLU server's tier: `POST /model/parse` of a Rasa server, behind a breaker of its own."""

from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import anyio
import httpx2
import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError, ProviderGarbage, ProviderUnavailable
from voice_agent.core.understanding import Intent
from voice_agent.engines.hosted import new_http_client, refusal, seconds
from voice_agent.engines.nlu.tiers import LONGEST_TEXT, NO_GUESS, Guess, Utterance
from voice_agent.engines.resilience.breaker import Breaker

NAME: Final = "rasa"
ANSWER_WITHIN: Final = 0.3
"""Deadline of an answer (s); the next tier is quick and local."""
LARGEST_ANSWER: Final = 256 * 1024
"""Bytes; more are nonsense."""
FALLBACK: Final = "nlu_fallback"


class RasaOptions(BaseModel):
    """Where the server is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="The server's address, such as http://rasa:5005.")
    token: SecretStr = Field(default=SecretStr(""), description="Its --auth-token, if it has one.")
    threshold: float = Field(default=0.75, ge=0, le=1, description="Believed from here on.")
    answer_within: float = Field(
        default=ANSWER_WITHIN, gt=0, le=5, description="Deadline of an answer (s)."
    )


class RasaTier:
    """An async context manager: leaving it closes the connections."""

    name = NAME
    paid = False

    def __init__(self, options: RasaOptions, clock: Clock) -> None:
        """Nothing is opened before the first question."""
        self.threshold = options.threshold
        self._within = options.answer_within
        token = options.token.get_secret_value()
        self._query = {"token": token} if token else {}
        self._client = new_http_client(options.base_url.rstrip("/"), {})
        self._clock = clock
        self._breaker = Breaker()

    async def __aenter__(self) -> Self:
        """Ready."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self._client.aclose()

    def price(self, utterance: Utterance) -> float | None:
        """Nothing: the server is our own."""
        del utterance
        return 0.0

    async def warm(self) -> None:
        """Open a connection; never raises."""
        with anyio.move_on_after(self._within), suppress(httpx2.HTTPError):
            await self._client.get("/")

    async def probe(self) -> None:
        """Ask whether a model is loaded.

        Raises:
            ProviderError: none is, the token is wrong, or nobody is there.
        """
        await self._request("GET", "/status", None)

    async def guess(self, utterance: Utterance) -> Guess:
        """The server's intent; its own fallback is no guess.

        Raises:
            ProviderError: it is down, slow, or answers nonsense; or it was lately.
        """
        if not self._breaker.admit(self._clock.now()):
            raise ProviderUnavailable("it failed a moment ago", provider=NAME)
        try:
            guess = read_guess(await self._request("POST", "/model/parse", utterance.text))
        except ProviderError as error:
            self._breaker.failed(error, self._clock.now())
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return guess

    async def _request(self, method: str, path: str, text: str | None) -> bytes:
        body = None if text is None else {"text": _sayable(text)}
        try:
            with anyio.fail_after(self._within):
                request = self._client.build_request(method, path, params=self._query, json=body)
                answer = await self._client.send(request, stream=True)
                try:
                    raw = await _all_of(answer)
                finally:
                    await answer.aclose()
        except (httpx2.HTTPError, TimeoutError) as error:
            raise ProviderUnavailable(
                f"no answer ({type(error).__name__})", provider=NAME
            ) from None
        if answer.status_code >= 300:
            pause = seconds(answer.headers.get("retry-after"))
            raise refusal(NAME, answer.status_code, "", retry_after=pause)
        return raw


async def _all_of(answer: httpx2.Response) -> bytes:
    raw = b""
    async for piece in answer.aiter_bytes():
        raw += piece
        if len(raw) > LARGEST_ANSWER:
            raise ProviderGarbage("an endless answer", provider=NAME)
    return raw


def _sayable(text: str) -> str:
    """A text that begins with a slash would name an intent and skip the model."""
    return text.lstrip("/ \t\r\n")[:LONGEST_TEXT]


class _Ranked(BaseModel):
    name: str | None
    confidence: float = Field(ge=0)


class _Parsed(BaseModel):
    intent: _Ranked


def read_guess(body: bytes) -> Guess:
    """The intent of an answer of `/model/parse`; everything but the intent is optional.

    Raises:
        ProviderGarbage: it is none.
    """
    try:
        intent = _Parsed.model_validate(orjson.loads(body)).intent
    except (ValueError, ValidationError):
        raise ProviderGarbage("not an answer of /model/parse", provider=NAME) from None
    if intent.name is None or intent.name == FALLBACK or intent.name not in set(Intent):
        return NO_GUESS
    return Guess(Intent(intent.name), min(intent.confidence, 1.0))
