"""The shipped examples as training data of a Rasa NLU server (format 3.1)."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from voice_agent.core.understanding import Entity
from voice_agent.engines.nlu.few_shot.examples import Example
from voice_agent.engines.nlu.language import Language
from voice_agent.engines.nlu.spoken_entities import spoken_entities
from voice_agent.engines.nlu.understanding import EPOCH

ENTITIES: Final = (
    *("order_id", "date", "time", "purpose", "email", "phone"),
    *("confirmation_number", "name", "department", "rating"),
)
_RELATIVE: Final = ("date", "time")
"""Their values depend on the day they are said."""
_MARKS: Final = re.compile(r"[\[\](){}\\/]")
"""Characters that mean something in an annotated example."""
FOLDER: Final = Path(__file__).with_name("rasa")
"""Where the shipped files are."""
_HEADER: Final = "# Written by `voice-agent nlu export-rasa` from the shipped examples.\n"

_CONFIG: Final = """\
recipe: default.v1
assistant_id: voice-agent
language: {language}
pipeline:
- name: WhitespaceTokenizer
- name: RegexFeaturizer
- name: LexicalSyntacticFeaturizer
- name: CountVectorsFeaturizer
- name: CountVectorsFeaturizer
  analyzer: char_wb
  min_ngram: 1
  max_ngram: 4
- name: DIETClassifier
  epochs: 100
  constrain_similarities: true
- name: EntitySynonymMapper
- name: FallbackClassifier
  threshold: 0.3
  ambiguity_threshold: 0.1
policies: []
"""
_REGEXES: Final = {"order_id": r"\b\d{3,12}\b", "phone": r"\b\+?\d{7,15}\b"}


def training_data(examples: Sequence[Example], language: Language) -> Mapping[str, str]:
    """The files by name: config.yml, domain.yml and nlu.yml."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for example in examples:
        texts[example.intent].append(example.text)
    return {
        "config.yml": _HEADER + _CONFIG.format(language=language.code),
        "domain.yml": _HEADER + _domain(texts),
        "nlu.yml": _HEADER + _nlu(texts, language),
    }


def _domain(examples: Mapping[str, Sequence[str]]) -> str:
    lines = ['version: "3.1"', "intents:", *(f"- {intent}" for intent in examples)]
    return "\n".join([*lines, "entities:", *(f"- {name}" for name in ENTITIES), ""])


def _nlu(examples: Mapping[str, Sequence[str]], language: Language) -> str:
    lines = ['version: "3.1"', "nlu:"]
    for intent, texts in examples.items():
        lines += _block("intent", intent, (annotated(text, language) for text in texts))
    for name, expression in _REGEXES.items():
        lines += _block("regex", name, [expression])
    return "\n".join([*lines, ""])


def _block(kind: str, name: str, examples: Iterable[str]) -> list[str]:
    written = dict.fromkeys(f"    - {example}" for example in examples if example)
    return [f"- {kind}: {name}", "  examples: |", *written]


def annotated(text: str, language: Language) -> str:
    """An example with its entities marked, "" where its characters would be taken for marks."""
    plain = " ".join(text.split())
    if _MARKS.search(plain):
        return ""
    for entity in reversed(spoken_entities(plain, EPOCH, "", language)):
        words = r"\W+".join(re.escape(word) for word in entity.text.split())
        place = re.search(rf"(?<!\w){words}(?!\w)", plain, re.IGNORECASE) if words else None
        if place and entity.name in ENTITIES and "[" not in plain[: place.end()]:
            marked = _marked(place[0], entity)
            plain = plain[: place.start()] + marked + plain[place.end() :]
    return plain


def _marked(said: str, entity: Entity) -> str:
    if entity.name in _RELATIVE or entity.value == said:
        return f"[{said}]({entity.name})"
    return f"[{said}]{json.dumps({'entity': entity.name, 'value': entity.value})}"
