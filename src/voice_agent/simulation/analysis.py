"""What a call was like to hear, measured on its two recorded tracks alone.

```text
caller ▁▁█████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁████▁▁▁▁
agent  ▁▁▁▁▁▁▁▁▁▁▁▁██████▁███████▁▁▁▁▁▁▁▁
              └ latency ┘│  │     └ barge-in stop: caller's onset to the agent's silence
                     └ a gap: the phone ran dry inside the agent's speech
```

Latency: last voiced sample of an utterance to the first voiced sample of the agent after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from voice_agent.simulation.caller import Utterance
from voice_agent.simulation.handset import Recording
from voice_agent.simulation.voicing import Segment, merged, voiced_segments

BREATH: Final = 0.4
"""Seconds; shorter silences belong to the same speech."""
SHORT_DRY: Final = 0.3
"""Seconds; nobody pauses on purpose by sending nothing for less, so it is an underrun."""
LONG_DRY: Final = 2.0
"""Seconds; a longer dry stretch is silence, not a gap."""
CUT_WITHIN: Final = 0.02
"""Seconds before a dry stretch between the two in which voice means that speech was cut."""


@dataclass(frozen=True, slots=True)
class UtteranceHeard:
    """One utterance and what followed it; seconds since the line opened, latencies in ms."""

    start: float
    end: float
    text: str
    latency_ms: float | None
    barge_in_stop_ms: float | None


@dataclass(frozen=True, slots=True)
class CallHeard:
    """The measures of a whole call."""

    duration: float
    greeting_ms: float | None
    utterances: list[UtteranceHeard]
    agent_speech: list[tuple[float, float]]
    gaps_ms: list[float]
    longest_silence_ms: float
    overlap_ms: float


def analyse(
    recording: Recording, utterances: Sequence[Utterance], *, farewell: bool = False
) -> CallHeard:
    """Measure a call; with `farewell` the silence before the caller hung up does not count."""
    rate = recording.format.rate
    agent_track = recording.agent_samples
    caller, agent = (
        voiced_segments(track, rate) for track in (recording.caller_samples, agent_track)
    )
    length = len(agent_track)
    speech = merged(agent, round(BREATH * rate))
    first = speech[0].start if speech else None
    spans = _spans(utterances, caller, rate, length)
    greeted = first is not None and (not spans or first < spans[0].start)
    return CallHeard(
        duration=length / rate,
        greeting_ms=1000 * first / rate if greeted and first is not None else None,
        utterances=_utterances(utterances, spans, speech, rate, length),
        agent_speech=[(s.start / rate, s.end / rate) for s in speech],
        gaps_ms=[1000 * gap.length / rate for gap in _gaps(recording, agent, spans)],
        longest_silence_ms=1000
        * _longest_silence([*caller, *agent], length, farewell=farewell)
        / rate,
        overlap_ms=1000 * _overlap(caller, agent) / rate,
    )


def utterances_in(recording: Recording) -> list[Utterance]:
    """What a caller without a script said: voiced stretches at least a second apart."""
    rate = recording.format.rate
    voiced = merged(voiced_segments(recording.caller_samples, rate), rate)
    return [Utterance(s.start / rate, s.end / rate, "", barged_in=False) for s in voiced]


def _spans(
    utterances: Sequence[Utterance], caller: list[Segment], rate: int, length: int
) -> list[Segment]:
    """The voiced part of each utterance; the whole of it when nothing in it is voiced."""
    spans = []
    for utterance in utterances:
        start = min(round(utterance.start * rate), length)
        end = min(round(utterance.end * rate), length)
        inside = [s for s in caller if s.start < end and s.end > start]
        spans.append(
            Segment(max(start, inside[0].start), min(end, inside[-1].end))
            if inside
            else Segment(start, end)
        )
    return spans


def _utterances(
    utterances: Sequence[Utterance],
    spans: list[Segment],
    speech: list[Segment],
    rate: int,
    length: int,
) -> list[UtteranceHeard]:
    limits = [*(span.start for span in spans), length][1:]
    return [
        UtteranceHeard(
            start=span.start / rate,
            end=span.end / rate,
            text=utterance.text,
            latency_ms=_latency(span, limit, speech, rate),
            barge_in_stop_ms=_barge_in_stop(span, speech, rate),
        )
        for utterance, span, limit in zip(utterances, spans, limits, strict=True)
    ]


def _latency(span: Segment, limit: int, speech: list[Segment], rate: int) -> float | None:
    onset = next((s.start for s in speech if span.end <= s.start < limit), None)
    return None if onset is None else 1000 * (onset - span.end) / rate


def _barge_in_stop(span: Segment, speech: list[Segment], rate: int) -> float | None:
    talking = next((s for s in speech if s.start < span.start < s.end), None)
    return None if talking is None else 1000 * (talking.end - span.start) / rate


def _gaps(recording: Recording, agent: list[Segment], spans: list[Segment]) -> list[Segment]:
    """Dry stretches inside the agent's speech that it did not mean."""
    rate = recording.format.rate
    dry = [Segment(a[1], b[0]) for a, b in pairwise(recording.played)]
    return [
        gap
        for gap in dry
        if not _explained(gap, recording.cleared, spans)
        and (gap.length < SHORT_DRY * rate or _was_cut(gap, agent, rate))
    ]


def _explained(gap: Segment, cleared: list[int], spans: list[Segment]) -> bool:
    """The agent was stopped there, or the caller had the floor."""
    stopped = any(gap.start <= at <= gap.end for at in cleared)
    return stopped or any(s.start < gap.end and s.end > gap.start for s in spans)


def _was_cut(gap: Segment, agent: list[Segment], rate: int) -> bool:
    voiced = any(gap.start - CUT_WITHIN * rate < s.end <= gap.start for s in agent)
    return voiced and gap.length < LONG_DRY * rate


def _longest_silence(voiced: list[Segment], length: int, *, farewell: bool) -> int:
    sounds = merged(sorted(voiced, key=lambda s: s.start), 1)
    last = sounds[-1].end if sounds else 0
    edges = [0, *(edge for s in sounds for edge in (s.start, s.end))]
    edges.append(last if farewell else length)
    return max(edges[i + 1] - edges[i] for i in range(0, len(edges), 2))


def _overlap(a: list[Segment], b: list[Segment]) -> int:
    return sum(max(0, min(x.end, y.end) - max(x.start, y.start)) for x in a for y in b)
