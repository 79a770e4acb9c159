"""Every value an utterance holds, each with the name of the parameter it may fill."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from voice_agent.core.speech import Expectation
from voice_agent.engines.nlu.language import Language
from voice_agent.engines.nlu.phrases import Phrases, word_at
from voice_agent.engines.nlu.spoken_codes import find_codes, find_order_ids, typed_code
from voice_agent.engines.nlu.spoken_contacts import (
    find_email,
    find_phones,
    typed_email,
    typed_phone,
)
from voice_agent.engines.nlu.spoken_dates import date_words, find_dates
from voice_agent.engines.nlu.spoken_names import find_name
from voice_agent.engines.nlu.spoken_numbers import find_numbers, number_words
from voice_agent.engines.nlu.spoken_times import find_times
from voice_agent.engines.nlu.tokens import plain, tokenise
from voice_agent.engines.nlu.understanding import Context, Entity


@dataclass(frozen=True)
class _Utterance:
    text: str
    tokens: tuple[str, ...]
    context: Context
    language: Language

    def table(self, name: str) -> Mapping[str, Any]:
        return entity_tables(self.language)[name]

    @cached_property
    def moments(self) -> tuple[Entity, ...]:
        return tuple(_find_moments(self))

    def expects(self, *kinds: Expectation) -> bool:
        return self.context.expectation in kinds

    def entity(
        self, name: str, value: str, start: int, end: int, others: Sequence[str] = ()
    ) -> Entity:
        said = " ".join(self.tokens[start:end])
        return Entity(name, value, said, tuple(others), (start, end))

    def typed(self, name: str, value: str, text: str) -> Entity:
        """A value that was written, not said; its words are looked for."""
        words = tokenise(text, self.language)
        starts = range(len(self.tokens) - len(words) + 1)
        at = next((i for i in starts if self.tokens[i : i + len(words)] == words), None)
        return Entity(name, value, text, span=(at, at + len(words)) if at is not None else (0, 0))


@cache
def entity_tables(language: Language) -> Mapping[str, Mapping[str, Any]]:
    """The table `entities.toml`, its word lists ready for look-up."""
    tables = language.table("entities")
    ready = {name: {key: _ready(value) for key, value in t.items()} for name, t in tables.items()}
    return ready | {"department": {"names": Phrases(tables["department"])}}


def _ready(value: Any) -> Any:
    return Phrases.of(value) if isinstance(value, list) else value


def find_entities(text: str, context: Context, language: Language) -> tuple[Entity, ...]:
    """All entities of an utterance; one run of digits may be several (an order, a time)."""
    said = _Utterance(plain(text), tokenise(text, language), context, language)
    readers = (_moments, _order_ids, _codes, _contacts, _names, _departments, _ratings, _purposes)
    return tuple(entity for reader in readers for entity in reader(said))


def _moments(said: _Utterance) -> Iterator[Entity]:
    yield from said.moments


def _find_moments(said: _Utterance) -> Iterator[Entity]:
    words = date_words(said.language)
    dates = find_dates(said.tokens, said.context.now.date(), words)
    for day in dates:
        others = [other.isoformat() for other in day.alternatives]
        yield said.entity("date", day.value.isoformat(), day.start, day.end, others)
    taken = {at for day in dates for at in range(day.start, day.end)}
    rest = tuple("," if at in taken else word for at, word in enumerate(said.tokens))
    halves = words.halves.find(said.tokens)
    half = tuple(word for _, start, end in halves for word in said.tokens[start:end])
    expected = said.expects(Expectation.DATE_TIME)
    for time in find_times((*rest, ";", *half), words, expected=expected):
        yield said.entity("time", time.value, time.start, time.end, time.alternatives)


def _order_ids(said: _Utterance) -> Iterator[Entity]:
    table = said.table("order_id")
    expected = said.expects(Expectation.DIGITS)
    surely = (e.text for e in said.moments if e.text.partition(" ")[0] not in table["loose"])
    times = set(surely)
    for run in find_order_ids(said.tokens, number_words(said.language), table, expected=expected):
        entity = said.entity("order_id", run.digits, run.start, run.end)
        named = table["before"].before(said.tokens, run.start)
        if named or not any(entity.text in time for time in times):
            yield entity


def _codes(said: _Utterance) -> Iterator[Entity]:
    words = number_words(said.language)
    spelling = said.language.table("words")
    endings = (*spelling["ordinal_endings"], *spelling["halves"])
    expected = said.expects(Expectation.DIGITS)
    for name in ("confirmation_number", "identifier"):
        table = said.table(name)
        codes = find_codes(said.tokens, words, table, expected=expected)
        typed = typed_code(said.text, table["least"], endings)
        if typed:
            yield said.typed(name, typed, typed.lower())
        for code in codes if not typed else ():
            yield said.entity(name, code.value, code.start, code.end)


def _contacts(said: _Utterance) -> Iterator[Entity]:
    words = number_words(said.language)
    if address := typed_email(said.text):
        yield said.typed("email", address, address)
    elif email := find_email(said.tokens, words, said.table("email")):
        yield said.entity("email", *email)
    if written := typed_phone(said.text, said.table("phone")):
        yield said.typed("phone", *written)
        return
    for phone in find_phones(said.tokens, words, said.table("phone")):
        yield said.entity("phone", *phone)


def _names(said: _Utterance) -> Iterator[Entity]:
    expected = said.expects(Expectation.NAME)
    given = frozenset(said.language.table("names")["given"])
    if name := find_name(said.tokens, said.table("name"), given, expected=expected):
        yield said.entity("name", *name)


def _departments(said: _Utterance) -> Iterator[Entity]:
    for value, start, end in said.table("department")["names"].find(said.tokens):
        yield said.entity("department", value, start, end)


def _ratings(said: _Utterance) -> Iterator[Entity]:
    table = said.table("rating")
    alone = said.expects(Expectation.DIGITS)
    times = [set(range(*e.span)) for e in said.moments]
    for run in find_numbers(said.tokens, number_words(said.language)):
        if not table["least"] <= run.value <= table["most"] or len(run.digits) != 1:
            continue
        after = table["after"].end(said.tokens, run.end)
        before = table["before"].before(said.tokens, run.start)
        outer = table["outer"].before(said.tokens, run.start)
        timely = not after and any(run.start in time for time in times)
        if (alone or after or before) and not outer and not timely:
            yield said.entity("rating", run.digits, run.start, after or run.end)


def _purposes(said: _Utterance) -> Iterator[Entity]:
    """What an appointment is for, up to where its date or time begins."""
    moments = {entity.text.split()[0] for entity in said.moments if entity.text}
    for at in range(len(said.tokens)):
        start = said.table("purpose")["before"].end(said.tokens, at)
        end = start
        while start and end < len(said.tokens) and said.tokens[end] not in {*moments, "on", "at"}:
            end += 1
        while start < end and said.tokens[start] in said.table("purpose")["dropped"]:
            start += 1
        first = word_at(said.tokens, start)
        if end > start and not first.isdecimal() and first not in said.table("purpose")["never"]:
            yield said.entity("purpose", " ".join(said.tokens[start:end]), start, end)
            return
