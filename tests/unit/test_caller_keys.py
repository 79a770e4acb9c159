"""Telephone numbers become ids that nobody without the key can turn back or recompute."""

from pathlib import Path

import pytest

from voice_agent.core.errors import StorageError
from voice_agent.memory.caller_keys import KEY_FILE, CallerKeys, read_or_make_secret

KEYS = CallerKeys(b"sixteen or more bytes")


def test_one_person_has_one_id_however_the_number_is_written() -> None:
    written = ["+1 212 555 0100", "+12125550100", "+1 (212) 555-0100", "tel:+1-212-555-0100"]
    assert len({KEYS.identify(number) for number in written}) == 1


def test_an_id_shows_the_last_four_digits_and_nothing_else() -> None:
    found = KEYS.identify("+12125550100")
    assert found is not None
    assert found.masked == "••••••••0100"
    assert "2125550100" not in found.key


def test_another_key_makes_another_id() -> None:
    other = CallerKeys(b"another key of 16 bytes").identify("+12125550100")
    assert other != KEYS.identify("+12125550100")


@pytest.mark.parametrize(
    "number",
    [
        "",
        "anonymous",
        "Anonymous",
        "browser-7",
        "client:anna",
        "sip:anna@example.com",
        "2125550100",
        "911",
        "+1",
        "+999999999999999999",
        "+266696687",
        "+7378742883",
        "+86282452253",
        "\x00",
        "+1212555010" + "0" * 300,
    ],
)
def test_who_withholds_their_number_or_has_none_is_nobody(number: str) -> None:
    assert KEYS.identify(number) is None


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        CallerKeys(b"short")


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    first = read_or_make_secret(path)
    assert read_or_make_secret(path) == first
    assert len(first) == 64
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_an_empty_key_file_is_an_error_and_not_a_new_key(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    path.touch()
    with pytest.raises(StorageError, match="holds no key"):
        read_or_make_secret(path)


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be used"):
        read_or_make_secret(tmp_path / "missing" / KEY_FILE)
