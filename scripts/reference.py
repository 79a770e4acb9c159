"""Write the reference pages that are read off the code: `python scripts/reference.py [--check]`."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from voice_agent.config import PREFIX, Settings
from voice_agent.core import errors
from voice_agent.core.events import CallEventPayload
from voice_agent.engines.registry import Kind, providers
from voice_agent.tools.registry import builtin_tools

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "*Written by `scripts/reference.py`; edit the code, not this page.*\n"


def settings() -> str:
    """Every setting."""
    lines = [
        "# Settings",
        "",
        NOTE,
        (
            "Read from the command line, then the environment, then `voice-agent.toml` "
            f"(another file: `{PREFIX}CONFIG`), then these defaults."
        ),
        "",
        "| Option | Variable | Default | |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = ",".join(default) if isinstance(default, list) else str(default)
        shown = "" if shown in ("{}", "**********") else shown
        lines.append(
            f"| `--{name.replace('_', '-')}` | `{PREFIX}{name.upper()}` | "
            f"{f'`{shown}`' if shown else ''} | {field.description} |"
        )
    return "\n".join(lines)


def engines() -> str:
    """Every engine and its options."""
    lines = [
        "# Engines",
        "",
        NOTE,
        (
            "Options go into `engine_options` under `kind.name`, for example "
            '`{"stt.pocketsphinx": {"workers": 2}}`.'
        ),
    ]
    for kind in Kind:
        lines += ["", f"## {kind}"]
        for provider in providers(kind).values():
            lines += ["", f"### {provider.name}", "", provider.summary.rstrip(".") + "."]
            if provider.extra:
                lines.append(f"Needs `pip install 'voice-agent[{provider.extra}]'`.")
            lines += _options(provider.options)
    return "\n".join(lines)


def _options(model: type[BaseModel]) -> list[str]:
    lines = ["", "| Option | |", "|---|---|"]
    lines += [f"| `{name}` | {f.description or ''} |" for name, f in model.model_fields.items()]
    return lines if model.model_fields else []


def tools() -> str:
    """Every built-in tool."""
    lines = ["# Tools", "", NOTE]
    for tool in builtin_tools():
        declaration = tool.declaration
        lines += ["", f"## {tool.name}", "", declaration.description, ""]
        properties = declaration.parameters.get("properties", {})
        required = declaration.parameters.get("required", [])
        for name, schema in properties.items():
            wanted = "required" if name in required else "optional"
            lines.append(f"- `{name}` ({wanted}): {schema.get('description', '')}")
    return "\n".join(lines)


def events() -> str:
    """Everything that can happen in a call."""
    lines = [
        "# Call events",
        "",
        NOTE,
        (
            "A call is stored and shown as these, in order: `{call_id, seq, at, turn, kind, "
            "data}`, `at` in seconds since the call started."
        ),
        "",
        "| Kind | Data | |",
        "|---|---|---|",
    ]
    for payload in get_args(CallEventPayload):
        data = ", ".join(f"`{f.name}`" for f in fields(payload))
        lines.append(f"| {payload.__name__} | {data} | {_first_line(payload)} |")
    return "\n".join(lines)


def error_codes() -> str:
    """The error tree."""
    lines = ["# Error codes", "", NOTE, "| Code | Class | |", "|---|---|---|"]
    tree = [value for value in vars(errors).values() if isinstance(value, type)]
    known = [error for error in tree if issubclass(error, errors.VoiceAgentError)]
    lines += [f"| `{error.code}` | {error.__name__} | {_first_line(error)} |" for error in known]
    return "\n".join(lines)


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "engines.md": engines,
    "tools.md": tools,
    "events.md": events,
    "errors.md": error_codes,
}


def main() -> None:
    """Write the pages, or with --check fail where one is out of date."""
    check = "--check" in sys.argv[1:]
    for name, write in PAGES.items():
        path, text = FOLDER / name, write() + "\n"
        if check and (not path.exists() or path.read_text("utf-8") != text):
            raise SystemExit(f"{path} is out of date: run `make docs`")
        if not check:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
