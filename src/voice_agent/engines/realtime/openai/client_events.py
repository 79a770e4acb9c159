"""The parts of what is sent to the Realtime API, as plain values; pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from voice_agent.core.chat import JsonObject, Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.realtime import RealtimeRequest, Respond
from voice_agent.engines.realtime.openai.options import REASONING, Options
from voice_agent.engines.realtime.openai.server_json import text, word

_CONTENT: Final = {Role.ASSISTANT: "output_text"}


def session(request: RealtimeRequest, options: Options, sound: JsonObject) -> dict[str, Any]:
    """The session's settings; `type` must be among them, and the model must not."""
    voice = request.voice or options.voice
    settings: dict[str, Any] = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": request.instructions,
        "audio": {
            "input": {
                "format": sound,
                "noise_reduction": _kind(options.noise_reduction),
                "transcription": {"model": options.transcriber, "language": request.language},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": options.threshold,
                    "prefix_padding_ms": options.prefix_ms,
                    "silence_duration_ms": options.silence_ms,
                    "create_response": True,
                    "interrupt_response": True,
                    "idle_timeout_ms": None,
                },
            },
            "output": {
                "format": sound,
                "voice": {"id": voice} if voice.startswith("voice_") else voice,
            },
        },
        "tools": [_tool(tool) for tool in request.tools],
        "tool_choice": "auto",
    }
    if options.model in REASONING and options.effort:
        settings["reasoning"] = {"effort": options.effort}
    return settings


def message(role: Role, words: str) -> dict[str, Any]:
    """A message item of text."""
    content = {"type": _CONTENT.get(role, "input_text"), "text": words}
    return {"type": "message", "role": str(role), "content": [content]}


def tool_result(call_id: str, content: JsonObject) -> dict[str, Any]:
    """The result of a tool."""
    output = json.dumps(dict(content), ensure_ascii=False, default=str)
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def response(wanted: Respond) -> dict[str, Any]:
    """What is asked of one response."""
    asked: dict[str, Any] = {}
    if wanted.instructions:
        asked["instructions"] = wanted.instructions
    if not wanted.tools:
        asked["tool_choice"] = "none"
    return asked


def history(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """What was said before the session, as items of text."""
    for entry in messages:
        if entry.role is Role.TOOL:
            yield {"type": "function_call_output", "call_id": entry.call_id, "output": entry.text}
            continue
        if entry.text.strip():
            yield message(entry.role, entry.text)
        for call in entry.tool_calls:
            arguments = json.dumps(dict(call.arguments), ensure_ascii=False, default=str)
            yield {
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": arguments,
            }


def calls(output: Sequence[JsonObject]) -> Iterator[ToolCall]:
    """The tools that a completed response asks for; those that were broken off are not run."""
    for item in output:
        whole = text(item, "status") in ("completed", "")
        if item.get("type") == "function_call" and whole:
            yield ToolCall(word(item, "call_id"), word(item, "name"), _arguments(item))


def _arguments(item: JsonObject) -> JsonObject:
    """Nonsense becomes no arguments at all: the tool then tells the model what is missing."""
    try:
        value = json.loads(text(item, "arguments") or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _kind(name: str) -> dict[str, str] | None:
    return {"type": name} if name else None


def _tool(tool: ToolDeclaration) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
