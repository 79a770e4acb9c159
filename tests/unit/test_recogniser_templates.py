import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.engines.stt.language_model_files import acoustic_model
from voice_agent.engines.stt.pronunciations import read_lexicon
from voice_agent.engines.stt.spoken_values import (
    ENGLISH,
    cardinal,
    in_pairs,
    ordinal,
    spoken_number,
)
from voice_agent.engines.stt.utterance_templates import (
    TemplateError,
    Utterances,
    load,
    parse,
    source,
)


def all_of(template: str) -> set[str]:
    utterances = Utterances({}, {"day": (parse("monday"), parse("next tuesday"))})
    chance = random.Random(1)
    return {utterances.say(parse(template), chance) for _ in range(200)}


def test_round_brackets_choose_one() -> None:
    assert all_of("(a|b c) d") == {"a d", "b c d"}


def test_square_brackets_may_be_left_out() -> None:
    assert all_of("a [b|c]") == {"a", "a b", "a c"}


def test_brackets_nest_and_slots_are_filled() -> None:
    assert all_of("[on {day}] (x|(y|z))") >= {"x", "on monday y", "on next tuesday z"}


@pytest.mark.parametrize("template", ["(a", "a)", "[a|b)", "a [b", "]"])
def test_brackets_that_do_not_match_are_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        parse(template)


def test_a_slot_nobody_fills_is_refused() -> None:
    with pytest.raises(TemplateError, match="nowhere"):
        all_of("{nowhere}")


@given(st.integers(1000, 9999), st.randoms(use_true_random=False))
def test_an_order_number_is_spoken_in_words_only(number: int, chance: random.Random) -> None:
    spoken = spoken_number(str(number), chance)
    assert spoken.replace(" ", "").isalpha()
    assert "  " not in spoken


def test_numbers_are_said_as_people_say_them() -> None:
    assert in_pairs("1042") == "ten forty two"
    assert in_pairs("1007") == "ten oh seven"
    assert cardinal(1042, joined_with_and="and") == "one thousand and forty two"
    assert [ordinal(day) for day in (1, 12, 20, 31)] == [
        "first",
        "twelfth",
        "twentieth",
        "thirty first",
    ]


def test_everything_callers_say_has_a_known_pronunciation() -> None:
    lexicon = read_lexicon(acoustic_model() / "cmudict-en-us.dict")
    utterances = load(source("en"), ENGLISH)
    chance = random.Random(3)
    said = {
        word
        for _, templates in utterances.groups.values()
        for template in templates
        for _ in range(20)
        for word in utterances.say(template, chance).split()
    }
    assert not said - lexicon.keys()


def test_every_intent_has_templates_and_every_group_a_weight() -> None:
    groups = load(source("en"), ENGLISH).groups
    assert sum(name.startswith("intent.") for name in groups) == 17
    assert all(weight > 0 and templates for weight, templates in groups.values())
