"""One call from an order to its report: what `voice-agent call` does."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat
from voice_agent.core.call import Disposition
from voice_agent.core.errors import NotFoundError, TransportClosed, VoiceAgentError
from voice_agent.engines.registry import Kind
from voice_agent.simulation.analysis import CallHeard, analyse, utterances_in
from voice_agent.simulation.call_record import fetch_record
from voice_agent.simulation.caller import CallerScript
from voice_agent.simulation.handset import Act, Caller, Handset, Heard
from voice_agent.simulation.live import live_caller
from voice_agent.simulation.phone import (
    BrowserPhone,
    PhoneResult,
    Subscriber,
    TwilioPhone,
    new_client,
)
from voice_agent.simulation.report import CallReport, recorded_turns, with_sound
from voice_agent.simulation.script_file import Plan
from voice_agent.simulation.socket_loop import EndedBy
from voice_agent.simulation.transcribe import transcribe
from voice_agent.simulation.voices import Sounded, make_steps, start_engine
from voice_agent.simulation.wav import write_wav

RECOGNISERS = ("pocketsphinx",)
FAILURES: dict[str, str] = {
    Disposition.FAILED: "the server gave the call up; its log says why",
    Disposition.CONNECTION_LOST: "the connection was lost; is the server still running?",
}
OnAnswer = Callable[[Handset], None]


@dataclass(frozen=True, slots=True)
class CallOrder:
    """What to do; without a plan a person talks through the microphone."""

    url: str
    plan: Plan | None
    auth_token: str = ""
    transcribe: bool = False

    @property
    def by_browser(self) -> bool:
        """Whether the URL is a voice socket."""
        return urlsplit(self.url).scheme in ("ws", "wss")


class HangUpSwitch:
    """Lets somebody else put the caller's phone down."""

    def __init__(self) -> None:
        self.pressed = False

    def guard(self, caller: Caller) -> Caller:
        """The same caller, who hangs up once the switch is pressed."""
        return _Guarded(caller, self)


@dataclass(frozen=True, slots=True)
class _Guarded:
    caller: Caller
    switch: HangUpSwitch

    def act(self, heard: Heard) -> Act:
        return Act(hang_up=True) if self.switch.pressed else self.caller.act(heard)


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The report and the phone's own knowledge."""

    report: CallReport
    phone: PhoneResult

    def stereo_wav(self) -> bytes:
        """The recording: caller left, agent right, 16 bits at the line's rate."""
        recording = self.phone.recording
        tracks = [recording.caller_samples, recording.agent_samples]
        return write_wav(tracks, recording.format.rate)

    @property
    def failure(self) -> str:
        """Why the call did not run its course; empty when it did."""
        return FAILURES.get(self.report.disposition, "")

    def json(self) -> bytes:
        """The report as indented JSON."""
        return orjson.dumps(self.report.as_dict(), option=orjson.OPT_INDENT_2)


async def carry_out(
    order: CallOrder, switch: HangUpSwitch, on_answer: OnAnswer = lambda _: None
) -> CallOutcome:
    """Place the call and report on it.

    Raises:
        VoiceAgentError: the call did not take place; the message says why and what to do.
    """
    audio = WIDEBAND if order.by_browser else PHONE
    sounded, script = Sounded([]), None
    if order.plan:
        sounded = await make_steps(order.plan, audio)
        script = CallerScript(sounded.steps, audio, order.plan.manners)
    with _caller(script, audio) as caller:
        result = await _place(order, switch.guard(caller), on_answer)
    if result.end is None:
        raise TransportClosed(_not_connected(result))
    heard = _analysis(result, script, switch)
    report = await _report(order, result, heard)
    if script:
        report.warnings += [*_complaints(script), *_voice_warning(sounded, audio)]
    if order.transcribe:
        report.extra["agent_transcribed"] = await _transcribed(result, heard, report)
    return CallOutcome(report, result)


@contextmanager
def _caller(script: CallerScript | None, audio: AudioFormat) -> Iterator[Caller]:
    if script:
        yield script
    else:
        with live_caller(audio) as caller:
            yield caller


async def _place(order: CallOrder, caller: Caller, on_answer: OnAnswer) -> PhoneResult:
    if order.by_browser:
        return await BrowserPhone(order.url).call(caller, on_answer)
    async with new_client(order.url) as client:
        phone = TwilioPhone(order.url, Subscriber(order.auth_token), client)
        return await phone.call(caller, on_answer)


def _not_connected(result: PhoneResult) -> str:
    if result.refused:
        return f"the call was rejected: {result.refused}"
    spoken = f" after saying {' '.join(result.said_by_line)!r}" if result.said_by_line else ""
    return f"the server ended the call{spoken} without connecting a stream"


def _analysis(result: PhoneResult, script: CallerScript | None, switch: HangUpSwitch) -> CallHeard:
    recording = result.recording
    utterances = script.utterances if script else utterances_in(recording)
    by_caller = result.end is not None and result.end.by is EndedBy.CALLER
    answered = script is None or not script.unanswered
    return analyse(recording, utterances, farewell=by_caller and answered and not switch.pressed)


async def _report(order: CallOrder, result: PhoneResult, heard: CallHeard) -> CallReport:
    warnings = list(result.warnings)
    if result.line_errors:
        counts = ", ".join(f"{n} × {code}" for code, n in sorted(result.line_errors.items()))
        warnings.append(f"messages of the agent were dropped: {counts}")
    try:
        async with new_client(order.url) as client:
            record = await fetch_record(client, order.url, result.call_id)
    except NotFoundError as error:
        warnings.append(f"the words are missing: {error}")
        record = {}
    disposition = str(record.get("disposition") or result.disposition or _seen_ending(result))
    turns = with_sound(recorded_turns(record), heard)
    extra = {"late_ms": round(result.end.late_ms, 1) if result.end else 0.0}
    return CallReport(result.call_id, disposition, turns, heard, warnings, extra)


def _seen_ending(result: PhoneResult) -> str:
    if result.end is None:
        return Disposition.FAILED
    endings = {
        EndedBy.CALLER: Disposition.CALLER_HUNG_UP,
        EndedBy.AGENT: Disposition.AGENT_ENDED,
        EndedBy.LOST: Disposition.CONNECTION_LOST,
    }
    return endings[result.end.by]


def _complaints(script: CallerScript) -> list[str]:
    complaints = [script.gave_up_because] if script.gave_up_because else []
    if script.unanswered:
        complaints.append(f"the agent did not answer in time ({script.unanswered} ×)")
    return complaints


def _voice_warning(sounded: Sounded, audio: AudioFormat) -> list[str]:
    """Measured: over the phone the recogniser hardly understands this voice."""
    if sounded.synthesizer != "espeak" or audio != PHONE:
        return []
    trouble = "the caller spoke with espeak-ng, which recognisers hardly understand by phone"
    return [f"{trouble}; for a clearer voice: apt-get install libflite1"]


async def _transcribed(result: PhoneResult, heard: CallHeard, report: CallReport) -> list[str]:
    recording = result.recording
    try:
        async with AsyncExitStack() as stack:
            recognizer = (await start_engine(Kind.STT, RECOGNISERS, stack)).engine
            track = b"".join(recording.agent)
            return await transcribe(recognizer, track, recording.format, heard.agent_speech)
    except VoiceAgentError as error:
        report.warnings.append(f"nothing was transcribed: {error}")
        return []
