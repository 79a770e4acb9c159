"""The messages of a Twilio media stream, as Twilio writes them."""

import base64
import json
from typing import Any

ACCOUNT = "AC" + "a" * 32
CALL = "CA" + "c" * 32
STREAM = "MZ" + "e" * 32
FRAME = bytes(range(160))

Json = dict[str, Any]


def connected() -> Json:
    return {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start(call: str = CALL, stream: str = STREAM, **parameters: str) -> Json:
    return {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": stream,
            "callSid": call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        },
        "streamSid": stream,
    }


def media(
    chunk: int, timestamp: int | None = None, data: bytes = FRAME, stream: str = STREAM
) -> Json:
    at = (chunk - 1) * 20 if timestamp is None else timestamp
    return {
        "event": "media",
        "sequenceNumber": str(chunk + 1),
        "media": {
            "track": "inbound",
            "chunk": str(chunk),
            "timestamp": str(at),
            "payload": base64.b64encode(data).decode(),
        },
        "streamSid": stream,
    }


def mark(name: str, stream: str = STREAM) -> Json:
    return {"event": "mark", "sequenceNumber": "9", "streamSid": stream, "mark": {"name": name}}


def dtmf(digit: str, stream: str = STREAM) -> Json:
    return {
        "event": "dtmf",
        "streamSid": stream,
        "sequenceNumber": "5",
        "dtmf": {"track": "inbound_track", "digit": digit},
    }


def stop(stream: str = STREAM) -> Json:
    return {
        "event": "stop",
        "sequenceNumber": "99",
        "stop": {"accountSid": ACCOUNT, "callSid": CALL},
        "streamSid": stream,
    }


def text(message: Json) -> str:
    return json.dumps(message)
