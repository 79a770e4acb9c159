"""Whatever a model sends is read or refused; nothing else is ever raised."""

import contextlib
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.tools.customers import e164, read_identifier
from voice_agent.tools.texts import clean, read_code, read_date, read_time

ANYTHING = st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans(), st.binary())


@given(ANYTHING)
def test_anything_is_a_date_a_time_a_code_or_refused(value: object) -> None:
    for read in (read_date, read_time, read_code):
        with contextlib.suppress(ValueError):
            read(value)


@given(st.text())
def test_clean_text_can_be_stored_anywhere(text: str) -> None:
    cleaned = clean(text)
    assert isinstance(cleaned, str)
    assert cleaned == clean(cleaned)
    assert "\x00" not in cleaned
    cleaned.encode()


@given(st.text(), st.sampled_from(["US", "US-NY", "DE-BY", "", "XX"]))
def test_anything_names_somebody_or_nobody(text: str, region: str) -> None:
    found = read_identifier(text, region)
    if found is not None:
        assert (bool(found.email) + bool(found.phone) + (found.customer_id is not None)) == 1


@given(st.times().map(lambda at: at.replace(second=0, microsecond=0)), st.dates())
def test_what_we_write_ourselves_is_read_back(at: time, day: date) -> None:
    assert read_time(f"{at:%H:%M}") == at
    assert read_time(f"{at:%I:%M %p}") == at
    assert read_date(day.isoformat()) == day


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("212 555 0101", "US-NY", "+12125550101"),
        ("+49 89 1234567", "US", "+49891234567"),
        ("089 1234567", "DE-BY", "+49891234567"),
        ("not a number", "US", ""),
        ("1", "US", ""),
    ],
)
def test_a_number_without_a_country_is_of_the_region(text: str, region: str, phone: str) -> None:
    assert e164(text, region) == phone
