"""English, all rules in the order in which they are tried."""

from typing import Final

from voice_agent.pipeline.spoken import (
    english_amounts,
    english_calendar,
    english_contacts,
    english_figures,
    english_words,
)
from voice_agent.pipeline.spoken.engine import Language
from voice_agent.pipeline.spoken.english_numbers import SPELLED

ENGLISH: Final = Language(
    rules=(
        *english_words.FIRST,
        *english_contacts.ADDRESSES,
        *english_contacts.CODES,
        *english_calendar.RULES,
        *english_contacts.TELEPHONES,
        *english_amounts.RULES,
        *english_contacts.IDENTIFIERS,
        *english_figures.RULES,
        *english_words.ABBREVIATIONS,
        *english_words.WORDS,
    ),
    spelled=SPELLED,
)
