"""What is said again is heard at once, paid once, and never about anybody."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE, WIDEBAND
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.speech import Emotion, SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.core.usage import EngineSwitched, Unit, Usage
from voice_agent.engines.tts.audio_cache import CachingSynthesizer
from voice_agent.engines.tts.clips import Clip, ClipMemory, decode, encode, key_of
from voice_agent.engines.tts.event_stream import events_of
from voice_agent.engines.tts.impersonal import impersonal

pytestmark = pytest.mark.anyio

GREETING: Final = "Hello, this is Acme."
USAGE: Final = Usage("voice", "m", {Unit.CHARACTERS: 20})


def ask(text: str = GREETING) -> SpeechRequest:
    return SpeechRequest(text, PHONE)


class Voice:
    """Speaks 100 ms a word, waiting at `gate`; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open = 0
        self.gate: Callable[[int], anyio.Event | None] = lambda _word: None
        self.fail_at = -1
        self.fails: Callable[[int], bool] = lambda _request: True
        self.switch = False

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        self.asked.append(request.text)
        mine = len(self.asked)
        self.open += 1
        try:
            yield USAGE
            if self.switch:
                yield EngineSwitched("tts", "voice", "other", "provider_unavailable")
            for number, word in enumerate(request.text.split()):
                if gate := self.gate(number):
                    await gate.wait()
                if number == self.fail_at and self.fails(mine):
                    raise ProviderUnavailable("gone", provider="voice")
                yield SpokenWord(word, number / 10, (number + 1) / 10)
                yield SpokenAudio(bytes([number]) * 800)
        finally:
            self.open -= 1


def cache(voice: Voice, folder: Path | None = None, **limits: int) -> CachingSynthesizer:
    return CachingSynthesizer(voice, folder, engine="v", fixed=lambda t: t == GREETING, **limits)


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def heard(
    voice: CachingSynthesizer, request: SpeechRequest | None = None
) -> list[SpeechEvent]:
    return [event async for event in voice.stream(request or ask())]


async def first(voice: CachingSynthesizer, count: int) -> None:
    """Listen to some events and hang up."""
    async with aclosing(events_of(voice, ask())) as events:
        for _ in range(count):
            await anext(events)


async def test_the_second_time_it_is_heard_at_once_and_not_paid() -> None:
    voice = Voice()
    kept = cache(voice)
    made, again = await heard(kept), await heard(kept)

    assert made[0] == USAGE
    assert again == made[1:]
    assert len(voice.asked) == 1
    assert (kept.counts.hits, kept.counts.misses) == (1, 1)


async def test_a_hit_does_not_wait_for_anything() -> None:
    kept = cache(Voice())
    await heard(kept)

    with anyio.CancelScope() as scope:
        scope.cancel()
        event = await anext(aiter(kept.stream(ask())))
    assert event == SpokenWord("Hello,", 0.0, 0.1)


@pytest.mark.parametrize(
    "other",
    [
        SpeechRequest(GREETING, WIDEBAND),
        SpeechRequest(GREETING, PHONE, voice="bob"),
        SpeechRequest(GREETING, PHONE, rate=1.1),
        SpeechRequest(GREETING, PHONE, markup="Hello, this <break/> is Acme."),
        SpeechRequest(GREETING, PHONE, emotion=Emotion.SAD),
        SpeechRequest(GREETING, PHONE, language="en-GB"),
        SpeechRequest("Bye", PHONE),
        SpeechRequest("\ud800", PHONE),
    ],
)
def test_what_sounds_otherwise_is_another_clip(other: SpeechRequest) -> None:
    assert key_of("v", other) != key_of("v", ask())
    assert key_of("w", ask()) != key_of("v", ask())


async def test_it_is_still_known_after_a_restart(tmp_path: Path) -> None:
    voice = Voice()
    async with cache(voice, tmp_path) as kept:
        made = await heard(kept)
    async with cache(voice, tmp_path) as kept:
        again = await heard(kept)

    assert again == made[1:]
    assert len(voice.asked) == 1
    [file] = files(tmp_path)
    assert "Acme" not in file.name


@pytest.mark.parametrize("damage", [b"", b"VACLIP1\n", b"x" * 500, None])
async def test_a_damaged_file_is_deleted_and_made_anew(
    tmp_path: Path, damage: bytes | None
) -> None:
    voice = Voice()
    async with cache(voice, tmp_path) as kept:
        await heard(kept)
    [file] = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-1] if damage is None else damage)
    async with cache(voice, tmp_path) as kept:
        again = await heard(kept)
        assert kept.counts.misses == 1

    assert again[0] == USAGE
    assert decode(files(tmp_path)[0].read_bytes()) is not None


async def test_a_file_that_vanished_is_no_trouble(tmp_path: Path) -> None:
    voice = Voice()
    async with cache(voice, tmp_path) as kept:
        await heard(kept)
    async with cache(voice, tmp_path) as kept:
        files(tmp_path)[0].unlink()
        assert len(await heard(kept)) == 9


async def test_a_folder_that_cannot_be_used_leaves_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    voice = Voice()
    async with cache(voice, tmp_path / "file") as kept:
        await heard(kept)
        await heard(kept)

        assert len(voice.asked) == 1
        assert kept.counts.disk_failures == 1


async def test_half_written_files_are_swept_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ab.1.2.part").write_bytes(b"half")
    async with cache(Voice(), tmp_path):
        assert files(tmp_path) == []


async def test_a_clause_that_was_cut_off_is_not_kept(tmp_path: Path) -> None:
    voice = Voice()
    async with cache(voice, tmp_path) as kept:
        await first(kept, 4)
        assert voice.open == 0
        await heard(kept)

    assert len(voice.asked) == 2


async def test_a_clause_that_failed_is_not_kept() -> None:
    voice = Voice()
    voice.fail_at = 2
    kept = cache(voice)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await heard(kept)

    assert len(voice.asked) == 2


async def test_a_clause_of_two_voices_is_not_kept() -> None:
    voice = Voice()
    voice.switch = True
    kept = cache(voice)
    await heard(kept)
    await heard(kept)

    assert len(voice.asked) == 2


async def test_two_calls_that_ask_at_once_are_served_by_one_request() -> None:
    voice, gate = Voice(), anyio.Event()
    voice.gate = lambda word: gate if word == 1 else None
    kept = cache(voice)
    results: list[list[SpeechEvent]] = []

    async def call() -> None:
        results.append(await heard(kept))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        gate.set()

    assert len(voice.asked) == 1
    assert sorted(map(len, results)) == [8, 8, 9]
    assert (kept.counts.misses, kept.counts.joined) == (1, 2)


@pytest.mark.parametrize("fails", [False, True])
async def test_who_joined_goes_on_when_the_first_gives_up(fails: bool) -> None:
    voice, gate = Voice(), anyio.Event()
    voice.gate = lambda word: gate if word == 2 and len(voice.asked) == 1 else None
    kept = cache(voice)
    joined: list[SpeechEvent] = []

    async def leads(scope: anyio.CancelScope) -> None:
        with scope:
            try:
                await heard(kept)
            except ProviderUnavailable:
                assert fails

    async def follows() -> None:
        joined.extend(await heard(kept))

    scope = anyio.CancelScope()
    voice.fail_at, voice.fails = 2, lambda request: request == 1
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leads, scope)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(follows)
        await anyio.wait_all_tasks_blocked()
        gate.set() if fails else scope.cancel()

    words = [event.text for event in joined if isinstance(event, SpokenWord)]
    sound = b"".join(event.data for event in joined if isinstance(event, SpokenAudio))
    assert words == GREETING.split()
    assert sound == b"".join(bytes([n]) * 800 for n in range(4))
    assert len(voice.asked) == 2
    assert voice.open == 0


async def test_ordinary_texts_pass_and_are_not_counted(tmp_path: Path) -> None:
    voice = Voice()
    async with cache(voice, tmp_path) as kept:
        for _ in range(5):
            await heard(kept, ask("Your order, Maria, has left."))

    assert len(voice.asked) == 5
    assert (kept.counts.hits, kept.counts.misses) == (0, 0)
    assert files(tmp_path) == []


async def test_what_is_impersonal_is_kept_from_the_third_time_on() -> None:
    voice = Voice()
    kept = cache(voice)
    for _ in range(5):
        await heard(kept, ask("Is there anything else?"))

    assert len(voice.asked) == 3


async def test_fixed_phrases_can_be_made_before_the_first_call(tmp_path: Path) -> None:
    voice = Voice()
    async with cache(voice, tmp_path) as kept:
        assert await kept.prefetch([ask(), ask(), ask("One moment, please.")]) == 3
        assert len(voice.asked) == 2
        await heard(kept)

        assert kept.counts.hits == 1
    async with cache(voice, tmp_path) as kept:
        assert await kept.prefetch([ask()]) == 1
    assert len(voice.asked) == 2


async def test_a_voice_that_is_down_ends_the_preparations_quietly() -> None:
    voice = Voice()
    voice.fail_at = 0

    assert await cache(voice).prefetch([ask(), ask("Bye.")]) == 0
    assert len(voice.asked) == 1


async def test_memory_is_bounded_and_forgets_the_least_asked() -> None:
    memory = ClipMemory(1000)
    for name in "abc":
        memory.put(name, Clip((SpokenAudio(b"x" * 400),)))
        memory.get("a")

    assert memory.size <= 1000
    assert memory.get("a")
    assert memory.get("b") is None
    assert memory.evictions == 1
    memory.put("huge", Clip((SpokenAudio(b"x" * 600),)))
    assert memory.get("huge") is None


async def test_the_disk_is_bounded(tmp_path: Path) -> None:
    voice = Voice()
    fixed = CachingSynthesizer(
        voice, tmp_path, engine="v", fixed=lambda _t: True, disk_bytes=10_000
    )
    async with fixed as kept:
        for number in range(10):
            await heard(kept, ask(f"text number {number} it is"))
            await anyio.wait_all_tasks_blocked()

    assert sum(file.stat().st_size for file in files(tmp_path)) <= 10_000
    assert kept.counts.evictions >= 6


async def test_silence_is_not_kept() -> None:
    voice = Voice()
    fixed = CachingSynthesizer(voice, None, engine="v", fixed=lambda _t: True)
    await heard(fixed, ask(""))
    await heard(fixed, ask(""))

    assert len(voice.asked) == 2


async def test_warming_reaches_the_voice() -> None:
    class Warm(Voice):
        warmed = 0

        async def warm(self) -> None:
            self.warmed += 1

    voice = Warm()
    await cache(voice).warm()
    await cache(Voice()).warm()

    assert voice.warmed == 1


EVENTS = st.lists(
    st.builds(SpokenAudio, st.binary(max_size=50))
    | st.builds(SpokenWord, st.text(st.characters(codec="utf-8")), st.floats(0, 9), st.floats(0, 9))
)


@given(EVENTS)
def test_a_clip_survives_its_file(events: list[SpokenAudio | SpokenWord]) -> None:
    clip = Clip(tuple(events))

    assert decode(encode(clip)) == clip


@given(st.binary(), st.integers(0, 100), st.integers(0, 255))
def test_any_other_bytes_are_no_clip(data: bytes, at: int, value: int) -> None:
    whole = bytearray(encode(Clip((SpokenWord("a", 0, 1), SpokenAudio(b"12345")))))
    at %= len(whole)
    changed = whole[at] != value
    whole[at] = value

    assert decode(data) is None
    assert (decode(bytes(whole)) is None) == changed
    assert decode(bytes(whole[:at])) is None


@pytest.mark.parametrize(
    "text",
    [
        "Is there anything else?",
        "One moment, please.".replace("One", "A"),
        "Let me look that up.",
        "Sorry, I didn't catch that. Could you say it again?",
        "Thank you, goodbye.",
        "I'm sorry, I can't do that.",
    ],
)
def test_what_anybody_could_be_told_is_impersonal(text: str) -> None:
    assert impersonal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "Your order 1042 has left.",
        "Your order one zero four two has left.",
        "Thanks Maria.",
        "Maria, thanks.",
        "Thanks. Maria, it is done.",
        "Your name is M A R I A.",
        "Is it on Monday?",
        "It costs five dollars.",
        "So maria at example dot com.",
        "Will, are you there?",
        "Danke, bis bald, José.",
        "the " * 60,
    ],
)
def test_what_could_be_about_somebody_is_not(text: str) -> None:
    assert not impersonal(text)


def test_only_english_is_judged() -> None:
    assert not impersonal("Is there anything else?", "de")
    assert impersonal("Is there anything else?", "en-GB")
