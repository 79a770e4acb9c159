from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pocketsphinx import NGramModel, get_model_path

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.stt.domain_language_model import Recipe
from voice_agent.engines.stt.general_language_model import LOG_BASE, read
from voice_agent.engines.stt.language_model_files import KEPT, plan, prepare, spoken_form
from voice_agent.engines.stt.pronunciations import dictionary, guess

SMALL = Recipe(sentences=1500, background_words=50)


def test_the_general_model_is_read_as_the_library_reads_it() -> None:
    path = get_model_path("en-us/en-us.lm.bin")
    model, library = read(Path(path)), NGramModel.readfile(path)
    size = len(model.words)
    for place in range(0, len(model.trigrams.keys), len(model.trigrams.keys) // 50):
        key = int(model.trigrams.keys[place])
        words = [
            model.words[key % size],
            model.words[key // size % size],
            model.words[key // size**2],
        ]
        assert model.trigrams.values[place] == pytest.approx(
            LOG_BASE ** library.prob(words), rel=2e-3
        )


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"nonsense" * 10)
    for name in ("model", "missing"):
        with pytest.raises(ConfigurationError):
            read(tmp_path / name)


def test_a_model_is_built_once_and_found_again(tmp_path: Path) -> None:
    first = prepare(tmp_path, recipe=SMALL)
    stamp = first.language_model.stat().st_mtime_ns
    assert prepare(tmp_path, recipe=SMALL).language_model.stat().st_mtime_ns == stamp
    assert all(path.stat().st_size for path in (first.dictionary, *first.answers.values()))


def test_two_may_build_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: prepare(tmp_path, recipe=SMALL), range(2)))
    assert made[0] == made[1]
    assert [path.name for path in made[0].folder.parent.iterdir()] == [made[0].folder.name]


def test_business_terms_are_listened_for_even_when_no_dictionary_has_them(tmp_path: Path) -> None:
    files = prepare(tmp_path, phrases=["Zorblax Vacuum 3000!"], recipe=SMALL)
    assert "zorblax " in files.dictionary.read_text("utf-8")
    model = NGramModel.readfile(str(files.language_model))
    assert LOG_BASE ** model.prob(["vacuum", "zorblax", "my"]) > 0.05


def test_other_terms_make_another_model(tmp_path: Path) -> None:
    folders = {
        plan(tmp_path, phrases=phrases, recipe=recipe).files.folder
        for phrases in ((), ("one",), ("two",))
        for recipe in (SMALL, None)
    }
    assert len(folders) == 6


def test_old_models_are_forgotten(tmp_path: Path) -> None:
    tiny = Recipe(sentences=200, background_words=0)
    for number in range(KEPT + 2):
        files = prepare(tmp_path, phrases=[f"thing{'s' * number}"], recipe=tiny)
    assert files.folder.is_dir()
    assert len(list(files.folder.parent.iterdir())) == KEPT


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="klingon"):
        prepare(tmp_path, "klingon")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    with pytest.raises(ConfigurationError, match="cache"):
        prepare(tmp_path / "file", recipe=SMALL)


def test_terms_are_brought_into_the_form_they_are_heard_in() -> None:
    assert spoken_form("  USB-C Cable (2 m) ") == "usb c cable m"
    assert spoken_form("123") == ""


@pytest.mark.parametrize(
    ("word", "phones"),
    [("shaw", "SH AO"), ("priya", "P R IH Y AH"), ("cindy", "S IH N D IY"), ("4711", "")],
)
def test_unknown_words_are_sounded_out(word: str, phones: str) -> None:
    assert guess(word) == phones


def test_a_dictionary_numbers_further_pronunciations() -> None:
    text = dictionary(["read", "zz9", "9"], {"read": ("R IY D", "R EH D")})
    assert text.splitlines() == ["read R IY D", "read(2) R EH D", "zz9 Z"]


def test_words_unfit_for_a_business_are_never_heard(tmp_path: Path) -> None:
    known = prepare(tmp_path).dictionary.read_text("utf-8").split("\n")
    words = {line.partition(" ")[0].partition("(")[0] for line in known}
    assert not words & {"shit", "fuck", "fucking", "bitch", "ass", "sex"}
    assert {"association", "hello"} <= words
