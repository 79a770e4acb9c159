"""Measures the embedded recogniser: word errors, confidence, the wait for the final text.

    python -m benchmarks.recogniser [--voices rms,slt] [--every 3] [--human DIR] [--json OUT]

Every sentence goes through the product's own path as 20 ms frames, six to a call, the start
of speech reported 0.2 s late as a voice activity detector would. The voices are synthetic:
clean and well articulated, so people will be understood less well.
"""

import argparse
import json
import random
import subprocess
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.synthetic_voices import (
    LEAD,
    RATE,
    TRAIL,
    in_a_room,
    installed,
    over_the_phone,
    read,
    say,
    with_noise,
)
from benchmarks.word_errors import WordErrors, word_errors
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Samples, encode
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt import utterance_templates
from voice_agent.engines.stt.caller_stream import CallerStream
from voice_agent.engines.stt.decoder import StretchDecoder
from voice_agent.engines.stt.domain_language_model import Recipe, listened_for, sentences
from voice_agent.engines.stt.language_model_files import ModelFiles, prepare
from voice_agent.engines.stt.spoken_values import ENGLISH, UNITS

SENTENCES = Path(__file__).with_name("recogniser_sentences.toml")
COVERED = 60
ANSWERS = {
    "answer.order_id": (16, Expectation.DIGITS),
    "answer.digits": (10, Expectation.DIGITS),
    "answer.date_time": (16, Expectation.DATE_TIME),
    "answer.name": (12, Expectation.NAME),
    "intent.affirm": (6, Expectation.YES_NO),
    "intent.deny": (6, Expectation.YES_NO),
}
"""How many answers to questions are drawn from each group, and what is then expected."""
KINDS = {
    "all": ("covered", "paraphrased", *{f"answer, {e.value}" for _, e in ANSWERS.values()}),
    "answer, digits": (),
}
NATURAL = ("rms", "slt", "awb", "kal16", "hts")
"""Voices made of recordings; espeak's formants are a case of their own."""
CALL = 6
"""Sentences in one call."""
LINES = {"16 kHz": WIDEBAND, "phone": PHONE}
DIGITS = frozenset(UNITS) | {"oh"}


@dataclass(frozen=True, slots=True)
class Result:
    """One sentence over one line."""

    kind: str
    voice: str
    line: str
    said: str
    heard: str
    confidence: float
    weakest: float
    final_ms: float
    cpu_share: float

    @property
    def errors(self) -> int:
        """Words wrong."""
        return word_errors(self.said.split(), self.heard.split())


class Line:
    """A caller on one line, call after call."""

    def __init__(self, files: ModelFiles, audio: AudioFormat) -> None:
        self._audio, self._decoder = audio, StretchDecoder(files)
        self._heard: list[dict[str, Any]] = []
        self.new_call()

    def new_call(self) -> None:
        """Hang up and call again."""
        self._decoder.forget()
        self._stream = CallerStream(self._audio, self._decoder, self._heard.append)
        self._clock = 0.0

    def hear(self, sound: Samples, expectation: Expectation) -> tuple[dict[str, Any], float, float]:
        """The final transcript, the seconds it took after the end, and all seconds of work."""
        narrow = over_the_phone(sound) if self._audio == PHONE else sound
        data, start, begun = encode(narrow, self._audio.encoding), self._clock, process_time()
        self._stream.expect(expectation)
        step = self._audio.byte_count(0.02)
        end = start + self._audio.seconds(data) - TRAIL
        for place in range(0, len(data) - step + 1, step):
            at = start + self._audio.seconds(data[:place])
            self._stream.audio(data[place : place + step], at)
            self._clock = at + 0.02
            if at >= start + LEAD + 0.2:
                self._stream.started(start + LEAD)
            while self._stream.listen():
                pass
        stopped = process_time()
        self._stream.stopped(end)
        self._stream.finish()
        return self._heard[-1], process_time() - stopped, process_time() - begun


Text = tuple[str, str, Expectation]
"""Kind, sentence, and what the agent has asked for."""


def texts() -> list[Text]:
    """Everything that is said, in the order of the calls."""
    stored = tomllib.loads(SENTENCES.read_text("utf-8"))
    utterances = utterance_templates.load(utterance_templates.source("en"), ENGLISH)
    known = {" ".join(words) for words in sentences(utterances, (), Recipe())}
    intents = {k: v for k, v in utterances.groups.items() if k.startswith("intent.")}
    chance = random.Random(77)
    found: dict[str, Text] = {}
    while len(found) < COVERED:
        name = chance.choices(list(intents), [weight for weight, _ in intents.values()])[0]
        text = utterances.say(chance.choice(intents[name][1]), chance)
        if len(text.split()) > 2 and listened_for(text) not in known:
            found[text] = ("covered", text, Expectation.ANYTHING)
    for text in stored["paraphrased"]:
        found[text] = ("paraphrased", text, Expectation.ANYTHING)
    for name, (number, expectation) in ANSWERS.items():
        for _ in range(number):
            text = utterances.say(chance.choice(utterances.groups[name][1]), chance)
            found[text] = (f"answer, {expectation.value}", text, expectation)
    return list(found.values())


def measure(
    task: tuple[str, str], said: Sequence[Text], files: ModelFiles, cache: Path, snr: float | None
) -> list[Result]:
    """All sentences by one voice over one line."""
    voice, name = task
    line, results = Line(files, LINES[name]), []
    for number, (kind, text, expectation) in enumerate(said):
        if number % CALL == 0:
            line.new_call()
        sound = say(text, voice, cache)
        sound = sound if snr is None else with_noise(sound, snr)
        outcome = line.hear(sound, expectation)
        told = {"kind": kind, "voice": voice, "line": name, "said": text}
        results.append(result(**told, outcome=outcome, sound=sound))
    return results


def result(
    *,
    kind: str,
    voice: str,
    line: str,
    said: str,
    outcome: tuple[dict[str, Any], float, float],
    sound: Samples,
) -> Result:
    """What one sentence came to."""
    heard, wait, work = outcome
    weakest = min((word[3] for word in heard["words"]), default=0.0)
    share = work / (len(sound) / RATE)
    text, confidence = heard["text"], heard["confidence"]
    return Result(kind, voice, line, said, text, confidence, weakest, wait * 1e3, share)


def people(folder: Path, files: ModelFiles) -> list[Result]:
    """The recordings of people that are there."""
    results = []
    for name, text in tomllib.loads(SENTENCES.read_text("utf-8"))["human"].items():
        if not (folder / name).exists():
            print(f"no {name} in the folder: passed over")
            continue
        sound = in_a_room(recording(folder / name))
        for line, audio in LINES.items():
            expected = Expectation.DIGITS if set(text.split()) <= DIGITS else Expectation.ANYTHING
            outcome = Line(files, audio).hear(sound, expected)
            told = {"kind": "human", "voice": name, "line": line, "said": text}
            results.append(result(**told, outcome=outcome, sound=sound))
    return results


def recording(path: Path) -> Samples:
    """A WAV file, or whatever ffmpeg makes one of."""
    if path.suffix == ".wav":
        return read(path)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "sound.wav"
        subprocess.run(["ffmpeg", "-loglevel", "error", "-i", path, "-ac", "1", made], check=True)
        return read(made)


def rate(results: Sequence[Result]) -> float:
    """Word error rate of some results, per cent."""
    total = WordErrors()
    for result in results:
        total.add(result.said, result.heard)
    return total.rate


def table(results: Sequence[Result]) -> None:
    """Print word error rates by kind, line and voice."""
    voices = list(dict.fromkeys(r.voice for r in results if r.kind != "human"))
    print(f"\n{'WER %':26}{'all':>7}" + "".join(f"{voice:>11}" for voice in voices))
    for kind in dict.fromkeys(r.kind for r in results if r.kind != "human"):
        for line in LINES:
            chosen = [r for r in results if (r.kind, r.line) == (kind, line)]
            by_voice = (rate([r for r in chosen if r.voice == voice]) for voice in voices)
            cells = "".join(f"{value:11.1f}" for value in by_voice)
            print(f"{kind + ', ' + line:26}{rate(chosen):7.1f}{cells}")


def waits(results: Sequence[Result]) -> None:
    """Print the wait for the final text and the work, on this machine."""
    for line in LINES:
        chosen = [r for r in results if r.line == line and r.kind != "human"]
        ms = np.percentile([r.final_ms for r in chosen], (50, 95))
        share = np.mean([r.cpu_share for r in chosen])
        print(
            f"final text, {line}: median {ms[0]:.0f} ms, p95 {ms[1]:.0f} ms of CPU; "
            f"{100 * share:.0f} % of a core while speech goes on"
        )


def thresholds(results: Sequence[Result]) -> None:
    """Print what a lower limit on confidence keeps and lets through."""
    for kind in ("all", "answer, digits"):
        for line in LINES:
            chosen = [r for r in results if r.line == line and r.kind in {kind, *KINDS[kind]}]
            right = np.array([r.confidence for r in chosen if r.errors == 0])
            wrong = np.array([r.confidence for r in chosen if r.errors > 0])
            for limit in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
                kept, passed = (100 * np.mean(part >= limit) for part in (right, wrong))
                print(
                    f"{kind}, {line}, confidence >= {limit:.1f}: keeps {kept:.0f} % of "
                    f"{len(right)} right, lets through {passed:.0f} % of {len(wrong)} wrong"
                )


def main() -> None:
    """Measure and report."""
    options = arguments()
    files = prepare(options.cache)
    tasks = [(voice, line) for voice in options.voices for line in LINES]
    voices = options.cache / "synthetic-voices"
    work = partial(
        measure, said=texts()[:: options.every], files=files, cache=voices, snr=options.snr
    )
    with ProcessPoolExecutor(options.processes) as pool:
        results = [result for part in pool.map(work, tasks) for result in part]
    table(results)
    waits(results)
    thresholds(results)
    if options.human:
        for heard in people(options.human, files):
            wer = 100 * heard.errors / len(heard.said.split())
            print(f"\n{heard.voice}, {heard.line}: {wer:.0f} % WER, {heard.confidence:.2f}")
            print(f"  {heard.heard}")
            results.append(heard)
    if options.json:
        options.json.write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n", "utf-8")


def arguments() -> argparse.Namespace:
    """The command line."""
    here = [voice for voice in installed() if voice in NATURAL]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=lambda v: v.split(","), default=here)
    parser.add_argument("--every", type=int, default=1, help="use every n-th sentence only")
    parser.add_argument("--human", type=Path, help="folder with recordings of people")
    parser.add_argument("--snr", type=float, help="add pink noise so many dB below the speech")
    parser.add_argument("--json", type=Path, help="file for all results")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "voice-agent")
    return parser.parse_args()


if __name__ == "__main__":
    main()
