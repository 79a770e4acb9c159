"""What a caller is to do, as a TOML file.

```toml
voice = "slt"            # voice of `say` steps; default: the synthesiser's own
patience = 0.6           # seconds of silence after which the agent has finished
farewell = 1.5           # the same before hanging up at the end
answer_timeout = 15.0    # seconds after which the caller goes on without an answer
longest = 180.0          # seconds the whole call may take
stay = false             # true: never hang up first

[[step]]
say = "where is my order ten forty two"     # spoken by the synthesiser

[[step]]
wav = "stop.wav"         # a recording, relative to this file
barge_in_after = 1.0     # start 1 s after the agent began to sound, not when it has finished

[[step]]
wait = 2.0               # say nothing for 2 s, whatever the agent does

[[step]]
key = "1234#"            # press telephone keys

[[step]]
hang_up = true           # put the phone down at once
```

A step is exactly one of `say`, `wav`, `wait`, `key`, `hang_up`. `barge_in_after` goes with
`say`, `wav`, `key` or `hang_up`; alone in a step it counts for the next one. After the last
step the caller listens to the reply and hangs up.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from voice_agent.core.errors import ConfigurationError
from voice_agent.simulation.caller import HangUp, Manners, Press, Wait

KEYS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True)
class SayText:
    """Speak this text with the synthesiser."""

    text: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class PlayFile:
    """Play this recording."""

    path: Path
    after: float | None = None


PlannedStep = SayText | PlayFile | Press | Wait | HangUp


@dataclass(frozen=True, slots=True)
class Plan:
    """A script before its sounds are made."""

    steps: list[PlannedStep]
    manners: Manners = field(default_factory=Manners)
    voice: str = ""


def read_script(text: str, folder: Path) -> Plan:
    """The plan in a TOML text; recordings are looked for in `folder`.

    Raises:
        ConfigurationError: what is wrong, and in which step.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the script is no TOML: {error}") from None
    steps = table.pop("step", [])
    if not isinstance(steps, list) or not steps:
        raise ConfigurationError("the script has no [[step]]")
    voice = table.pop("voice", "")
    if not isinstance(voice, str):
        raise ConfigurationError("the script's voice is no text")
    return Plan(_steps(steps, folder), _manners(table), voice)


def _manners(table: Mapping[str, Any]) -> Manners:
    known = {f.name: f.default for f in fields(Manners)}
    for name, value in table.items():
        if name not in known:
            raise ConfigurationError(
                f"the script has an unknown setting {name!r}; there are: voice, {', '.join(known)}"
            )
        flag = isinstance(known[name], bool)
        right = isinstance(value, bool) if flag else _is_seconds(value)
        if not right:
            wanted = "true or false" if flag else "a number of seconds"
            raise ConfigurationError(f"the script's {name} must be {wanted}")
    return replace(Manners(), **table)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6


def _steps(tables: list[Any], folder: Path) -> list[PlannedStep]:
    steps: list[PlannedStep] = []
    after: float | None = None
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict):
            raise ConfigurationError(f"step {number} of the script is no table")
        rest = dict(table)
        own = _after(rest, number)
        after = own if own is not None else after
        if rest or own is None:
            steps.append(_step(rest, after, number, folder))
            after = after if isinstance(steps[-1], Wait) else None
    if after is not None:
        raise ConfigurationError("the script's last barge_in_after belongs to no step")
    return steps


def _after(table: dict[str, Any], number: int) -> float | None:
    value = table.pop("barge_in_after", None)
    if value is not None and not _is_seconds(value):
        raise ConfigurationError(f"step {number}: barge_in_after must be a number of seconds")
    return None if value is None else float(value)


def _step(table: dict[str, Any], after: float | None, number: int, folder: Path) -> PlannedStep:
    match table:
        case {"say": str(text), **rest} if text.strip() and not rest:
            return SayText(text, after)
        case {"wav": str(path), **rest} if not rest:
            return PlayFile(folder / path, after)
        case {"wait": int() | float() as seconds, **rest} if _is_seconds(seconds) and not rest:
            return Wait(float(seconds))
        case {"key": str(keys), **rest} if keys and set(keys) <= KEYS and not rest:
            return Press(keys, after)
        case {"hang_up": True, **rest} if not rest:
            return HangUp(after)
    raise ConfigurationError(
        f"step {number} of the script is {table!r:.80}; it must be one of say = text, "
        "wav = file, wait = seconds, key = digits, hang_up = true"
    )
