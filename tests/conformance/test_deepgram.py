"""Deepgram's recogniser against the simulated vendor, and against one that misbehaves."""

import contextlib
import inspect
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import numpy as np
import pytest
import structlog
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve

from support.deepgram_messages import final
from support.recognition import Listener
from support.simulated_providers import desk, serving
from support.waiting import until
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, AudioFrame, Samples
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.ports import Probeable, SpeechRecognizer, Warmable
from voice_agent.core.speech import RecognitionFailed, RecognitionRequest
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.recognizer import FailoverRecognizer
from voice_agent.engines.stt.deepgram import PROVIDER
from voice_agent.engines.stt.deepgram.flux_protocol import FORCE_END_TURN
from voice_agent.engines.stt.deepgram.listen_protocol import FINALIZE, KEEP_ALIVE
from voice_agent.engines.stt.deepgram.options import DeepgramOptions, socket_url
from voice_agent.engines.stt.deepgram.protocol import CLOSE_STREAM
from voice_agent.engines.stt.deepgram.recognizer import DeepgramRecognizer
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio
models = pytest.mark.parametrize("model", ["nova-2", "flux-general-en"])
lines = pytest.mark.parametrize("audio", [PHONE, WIDEBAND], ids=["phone", "wideband"])


def heard(*texts: str, **options: Any) -> Desk:
    return desk(recognizer=ScriptedRecognizer(ScriptedRecognizerOptions(texts=texts, **options)))


def recogniser(base: str, **options: Any) -> DeepgramRecognizer:
    values = {"api_key": VALID_KEY, "base_url": base, "finalize_within": 3.0, **options}
    values.setdefault("turn_end_within", 3.0)
    engine = PROVIDER.build(PROVIDER.options(**values))
    assert isinstance(engine, DeepgramRecognizer)
    return engine


@contextlib.asynccontextmanager
async def calling(
    simulated: Desk, audio: AudioFormat = PHONE, **options: Any
) -> AsyncIterator[Listener]:
    async with (
        serving(simulated) as base,
        recogniser(f"{base}/deepgram", **options) as engine,
        Listener(audio).calling(engine) as caller,
    ):
        yield caller


def voice(audio: AudioFormat, seconds: float = 0.5) -> Samples:
    """Loud enough to count as speech."""
    noise = np.random.default_rng(7).normal(0, 6000, round(seconds * audio.rate))
    return noise.clip(-30000, 30000).astype(np.int16)


# ── against the simulated vendor ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", ["nova-2", "nova-3", "flux-general-en"])
@lines
async def test_every_stretch_of_speech_gets_one_final_text_in_order(
    model: str, audio: AudioFormat
) -> None:
    async with calling(heard("one", "two"), audio, model=model) as caller:
        for number in (1, 2):
            caller.say(voice(audio))
            await caller.final(number)
    spoken = [t.text for t in caller.finals if t.text]
    assert spoken[:2] == ["One.", "Two."]
    assert [t.start for t in caller.finals] == sorted(t.start for t in caller.finals)
    assert not caller.failures


@models
async def test_silence_taken_for_speech_has_an_empty_final_text(model: str) -> None:
    async with calling(heard("x"), model=model, turn_end_within=0.3) as caller:
        caller.say(np.zeros(8000, np.int16))
        assert (await caller.final()).text == ""
    assert not caller.failures


@models
async def test_what_is_told_about_a_text_is_plausible(model: str) -> None:
    async with calling(heard("one two three"), WIDEBAND, model=model) as caller:
        caller.say(voice(WIDEBAND, 1.0))
        told = await caller.final()
    assert len(told.words) == 3
    for word in told.words:
        assert told.start <= word.start < word.end <= told.end <= caller.clock + 0.1
    assert 0 <= told.confidence <= 1


async def test_the_sound_that_was_sent_is_what_is_to_be_paid() -> None:
    async with calling(heard("one")) as caller:
        caller.say(voice(PHONE))
        await caller.final()
    usage = caller.events[-1]
    assert isinstance(usage, Usage)
    assert (usage.provider, usage.model) == ("deepgram", "nova-2")
    assert usage.amounts[Unit.SECONDS] == pytest.approx(caller.clock, abs=0.05)


@models
async def test_leaving_a_call_takes_no_time_and_leaves_no_connection_behind(model: str) -> None:
    simulated = heard("one")
    async with serving(simulated) as base:
        async with recogniser(f"{base}/deepgram", model=model) as engine:
            async with Listener(PHONE).calling(engine) as caller:
                caller.say(voice(PHONE))
                await until(lambda: simulated.connections.get("deepgram"))
            events = len(caller.events)
        await until(lambda: not simulated.connections["deepgram"])
    assert len(caller.events) == events


async def test_a_call_can_be_cancelled_at_any_moment() -> None:
    simulated = heard("one")
    async with serving(simulated) as base, recogniser(f"{base}/deepgram") as engine:
        for wait in (0.0, 0.005, 0.05):
            with anyio.move_on_after(wait):
                async with Listener(PHONE).calling(engine) as caller:
                    caller.say(voice(PHONE))
                    await anyio.sleep_forever()
        await until(lambda: not simulated.connections.get("deepgram"))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.UNAUTHORIZED, ProviderMisconfigured),
        (FaultKind.THROTTLE, ProviderThrottled),
        (FaultKind.ERROR, ProviderUnavailable),
        (FaultKind.REFUSE, ProviderUnavailable),
    ],
)
async def test_a_refused_handshake_is_told_by_its_reason(
    kind: FaultKind, error: type[ProviderError]
) -> None:
    simulated = heard("one")
    simulated.faults.order(Fault(provider="deepgram", kind=kind))
    async with serving(simulated) as base, recogniser(f"{base}/deepgram") as engine:
        with pytest.raises(error) as refused:
            async with Listener(PHONE).calling(engine):
                pass
    assert type(refused.value) is error
    assert VALID_KEY not in str(refused.value)


@models
@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.CUT, FaultKind.ERROR])
async def test_a_connection_that_dies_in_mid_stream_is_one_failure(
    model: str, kind: FaultKind
) -> None:
    simulated = heard("one")
    simulated.faults.order(Fault(provider="deepgram", kind=kind, after=1))
    async with calling(simulated, model=model) as caller:
        caller.say(voice(PHONE, 2.0))
        await until(lambda: caller.failures)
        caller.say(voice(PHONE))
        await anyio.sleep(0.05)
    assert [type(failure.error) for failure in caller.failures] == [ProviderUnavailable]
    assert isinstance(caller.events[-1], RecognitionFailed)
    assert isinstance(caller.events[-2], Usage)


async def test_an_error_of_the_programs_own_leaves_the_recogniser_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with recogniser("ws://127.0.0.1:9"):
            raise ZeroDivisionError


@models
async def test_a_stalled_server_fails_before_the_silence_gets_long(model: str) -> None:
    simulated = heard("one")
    simulated.faults.order(Fault(provider="deepgram", kind=FaultKind.STALL, after=0))
    waits: dict[str, Any] = {"finalize_within": 0.2, "turn_end_within": 0.2}
    async with calling(simulated, model=model, **waits) as caller:
        caller.say(voice(PHONE))
        with anyio.fail_after(3):
            await until(lambda: caller.failures)
    assert not caller.finals


async def test_a_server_that_babbles_is_garbage() -> None:
    simulated = heard("one")
    simulated.faults.order(Fault(provider="deepgram", kind=FaultKind.GARBAGE, after=0))
    async with calling(simulated) as caller:
        caller.say(voice(PHONE))
        await until(lambda: caller.failures)
    assert [type(failure.error) for failure in caller.failures] == [ProviderGarbage]


@models
async def test_a_probe_is_content_with_a_server_that_hears(model: str) -> None:
    async with serving(heard()) as base, recogniser(f"{base}/deepgram", model=model) as engine:
        assert isinstance(engine, Probeable)
        await engine.probe()


async def test_a_probe_finds_a_wrong_key() -> None:
    async with serving(heard()) as base:
        with pytest.raises(ProviderMisconfigured):
            await recogniser(f"{base}/deepgram", api_key="wrong").probe()


async def test_a_probe_finds_a_parameter_that_is_refused() -> None:
    async with serving(heard()) as base:
        with pytest.raises(ProviderRejected):
            await recogniser(f"{base}/deepgram", model="nova-99").probe()


async def test_a_probe_finds_a_server_that_never_answers() -> None:
    simulated = heard()
    simulated.faults.order(Fault(provider="deepgram", kind=FaultKind.CUT, after=0))
    async with serving(simulated) as base:
        with pytest.raises(ProviderUnavailable):
            await recogniser(f"{base}/deepgram").probe()


async def test_warming_up_opens_no_stream_and_never_fails() -> None:
    simulated = heard()
    async with serving(simulated) as base, recogniser(f"{base}/deepgram") as engine:
        assert isinstance(engine, Warmable)
        await engine.warm()
        await engine.warm()
    async with recogniser("http://127.0.0.1:9") as engine:
        await engine.warm()
    assert not simulated.connections


async def test_an_encrypted_address_is_not_served_in_the_clear() -> None:
    async with odd_server(listens) as (base, frames):
        with pytest.raises(ProviderUnavailable):
            await recogniser(base.replace("http", "wss")).probe()
    assert not frames


async def test_a_recogniser_that_was_not_entered_says_so() -> None:
    with pytest.raises(RuntimeError, match="enter"):
        async with Listener(PHONE).calling(recogniser("ws://127.0.0.1:9")):
            pass


# ── against a server of odd habits ───────────────────────────────────────────────────────

Frames = list[str | bytes]
Habit = Callable[[ServerConnection, Frames], Awaitable[None]]


@contextlib.asynccontextmanager
async def odd_server(habit: Habit) -> AsyncIterator[tuple[str, Frames]]:
    frames: Frames = []

    async def handle(socket: ServerConnection) -> None:
        with contextlib.suppress(Exception):
            await habit(socket, frames)

    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", frames


async def listens(socket: ServerConnection, frames: Frames) -> None:
    async for message in socket:
        frames.append(message)
        if message == CLOSE_STREAM:
            return


async def ignores(socket: ServerConnection, frames: Frames) -> None:
    async for message in socket:
        frames.append(message)


async def closes_properly(socket: ServerConnection, frames: Frames) -> None:
    async for message in socket:
        frames.append(message)
        if message == FINALIZE:
            await socket.send(final("Yes.", 0.0, 0.5, from_finalize=True))
        if message == CLOSE_STREAM:
            await socket.send(final("tail", 0.5, 0.6))
            await socket.send('{"type":"Metadata","duration":1.0}')
            frames.append("metadata was taken")
            return


async def test_the_socket_is_closed_only_after_close_stream_and_metadata() -> None:
    async with odd_server(closes_properly) as (base, frames):
        async with recogniser(base) as engine, Listener(PHONE).calling(engine) as caller:
            caller.say(voice(PHONE))
            await caller.final()
        await until(lambda: frames[-1] == "metadata was taken")
    assert [f for f in frames if isinstance(f, str)] == [FINALIZE, CLOSE_STREAM, frames[-1]]


async def test_control_messages_are_text_behind_the_sound_before_them() -> None:
    async with (
        odd_server(listens) as (base, frames),
        recogniser(base) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        caller.say(voice(PHONE))
        await until(lambda: FINALIZE in frames)
        before = [f for f in frames[: frames.index(FINALIZE)] if isinstance(f, bytes)]
    assert sum(map(len, before)) == PHONE.byte_count(caller.clock)
    assert all(before)


async def test_phone_sound_arrives_untouched() -> None:
    async with (
        odd_server(listens) as (base, frames),
        recogniser(base) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        assert caller.stream is not None
        caller.stream.send(AudioFrame(bytes(range(160)), PHONE, 0.0))
        caller.stream.send(AudioFrame(b"", PHONE, 0.02))
        await until(lambda: frames)
    assert frames[0] == bytes(range(160))
    assert b"" not in frames


async def test_sound_that_cannot_leave_is_dropped_and_the_log_says_how_much() -> None:
    with capture_logs() as logs:
        async with (
            odd_server(listens) as (base, _),
            recogniser(base) as engine,
            Listener(PHONE).calling(engine) as caller,
        ):
            caller.quiet(12.0)
    (closed,) = [entry for entry in logs if entry["event"] == "deepgram.closed"]
    assert closed["dropped"] == pytest.approx(7.0, abs=0.05)
    assert len([entry for entry in logs if entry["event"] == "deepgram.sound_dropped"]) == 1


async def test_words_that_a_stalled_server_swallowed_are_heard_by_the_next_recogniser() -> None:
    substitute = ScriptedRecognizer(ScriptedRecognizerOptions(texts=("heard after all",)))
    async with odd_server(ignores) as (base, _), recogniser(base, finalize_within=0.2) as engine:
        order: list[Candidate[SpeechRecognizer]] = [
            Candidate("deepgram", engine),
            Candidate("scripted", substitute, embedded=True),
        ]
        steady = FailoverRecognizer(Candidates("stt", order, LoopClock()))
        async with Listener(PHONE).calling(steady) as caller:
            caller.say(voice(PHONE))
            assert (await caller.final()).text == "heard after all"
    assert len(caller.finals) == 1


async def test_a_server_that_never_says_goodbye_is_left_in_the_end() -> None:
    async with odd_server(ignores) as (base, frames):
        async with recogniser(base) as engine:
            async with Listener(PHONE).calling(engine) as caller:
                caller.say(voice(PHONE))
                await until(lambda: FINALIZE in frames)
            left = anyio.current_time()
        assert anyio.current_time() - left < 6
    assert CLOSE_STREAM in frames
    assert KEEP_ALIVE not in frames


@pytest.mark.parametrize(
    ("code", "reason", "error", "named"),
    [
        (1011, "See https://dpgr.am/net0001", ProviderUnavailable, "net0001"),
        (1008, "See https://dpgr.am/data0000", ProviderRejected, "data0000"),
        (1000, "four one one one", ProviderUnavailable, "1000"),
    ],
)
async def test_a_close_of_the_servers_is_told_by_its_code(
    code: int, reason: str, error: type[ProviderError], named: str
) -> None:
    async def habit(socket: ServerConnection, frames: Frames) -> None:
        await socket.recv()
        await socket.close(code, reason)

    async with (
        odd_server(habit) as (base, _),
        recogniser(base) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        caller.quiet(0.1)
        await until(lambda: caller.failures)
    (failure,) = caller.failures
    assert type(failure.error) is error
    assert named in str(failure.error)
    assert "four" not in str(failure.error)


@pytest.mark.parametrize("frame", [b"\xff\xfe", "x" * (17 * 2**20)], ids=["binary", "huge"])
async def test_a_frame_that_no_one_can_read_does_no_harm(frame: str | bytes) -> None:
    async def habit(socket: ServerConnection, frames: Frames) -> None:
        await socket.recv()
        await socket.send(frame)
        await closes_properly(socket, frames)

    async with (
        odd_server(habit) as (base, _),
        recogniser(base) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        caller.say(voice(PHONE))
        await until(lambda: caller.finals or caller.failures)
    assert all(isinstance(f.error, ProviderUnavailable) for f in caller.failures)


async def test_flux_gets_no_control_message_but_the_goodbye() -> None:
    async with odd_server(listens) as (base, frames):
        flux = recogniser(base, model="flux-general-en")
        async with flux as engine, Listener(PHONE).calling(engine) as caller:
            caller.say(voice(PHONE))
            await until(lambda: sum(map(len, frames)) >= PHONE.byte_count(caller.clock))
        await until(lambda: CLOSE_STREAM in frames)
    assert {f for f in frames if isinstance(f, str)} == {CLOSE_STREAM}


async def test_flux_fills_a_pause_in_the_sound_on_the_wire() -> None:
    async with (
        odd_server(listens) as (base, frames),
        recogniser(base, model="flux-general-en") as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        caller.quiet(0.02)
        await until(lambda: len(frames) > 1)
    assert frames[1] == b"\xff" * 4000


async def test_the_log_names_the_request_and_neither_key_nor_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulated = heard("four one one one")
    caplog.set_level(logging.DEBUG)
    structlog.reset_defaults()
    with capture_logs() as logs:
        async with calling(simulated, phrases=("four one one one",)) as caller:
            caller.say(voice(PHONE))
            await caller.final()
    everything = repr(logs)
    (connected,) = [entry for entry in logs if entry["event"] == "deepgram.connected"]
    assert len(connected["request_id"]) == 36
    assert VALID_KEY not in everything
    assert "four" not in everything.lower()


# ── against the vendor's own client ──────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_control_messages_are_those_of_the_vendors_client() -> None:
    from deepgram.listen.v1.types import (
        ListenV1CloseStream,
        ListenV1Finalize,
        ListenV1KeepAlive,
    )
    from deepgram.listen.v2.types import ListenV2CloseStream, ListenV2ForceEndTurn

    def written(message: Any) -> Any:
        return json.loads(message.json())

    assert json.loads(FINALIZE) == written(ListenV1Finalize(type="Finalize"))
    assert json.loads(KEEP_ALIVE) == written(ListenV1KeepAlive(type="KeepAlive"))
    assert json.loads(CLOSE_STREAM) == written(ListenV1CloseStream(type="CloseStream"))
    assert json.loads(CLOSE_STREAM) == written(ListenV2CloseStream(type="CloseStream"))
    assert json.loads(FORCE_END_TURN) == written(ListenV2ForceEndTurn(type="ForceEndTurn"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_parameters_are_those_of_the_vendors_client() -> None:
    from deepgram.listen.v1.client import AsyncV1Client
    from deepgram.listen.v2.client import AsyncV2Client

    def told(model: str) -> set[str]:
        options = DeepgramOptions(model=model, eager_eot_threshold=0.4, phrases=("Acme",))
        request = RecognitionRequest(PHONE, language="de")
        return {name for name, _ in parse_qsl(urlsplit(socket_url(options, request)).query)}

    def known(connect: Callable[..., Any]) -> set[str]:
        return set(inspect.signature(connect).parameters)

    beyond = {"filler_words", "no_delay"}  # taken by the server, unknown to its client
    assert told("nova-2") - beyond <= known(AsyncV1Client.connect)
    assert told("nova-3") - beyond <= known(AsyncV1Client.connect)
    assert told("flux-general-multi") <= known(AsyncV2Client.connect)
